"""The QGIS project of a territory: its styles, its forms and its layers, as one XML file.

Written as QGIS 3 reads it (observed with 3.22; the format is not documented by its makers).
"""

from dispatch_gis.qgis.project import write_project

__all__ = ["write_project"]
