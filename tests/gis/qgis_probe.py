"""What QGIS makes of a project: run by the Python that Debian's PyQGIS is for.

    QT_QPA_PLATFORM=offscreen /usr/bin/python3 qgis_probe.py PROJECT.qgs PICTURE.png

Opens the project, draws a closure, a closed street and a mask as staff would, takes a picture, and
prints what it saw as JSON.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from qgis.core import (
    QgsApplication,
    QgsExpression,
    QgsFeature,
    QgsGeometry,
    QgsMapRendererParallelJob,
    QgsMapSettings,
    QgsProject,
    QgsReferencedRectangle,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QSize
from qgis.PyQt.QtGui import QColor

DRAWN = (
    ("territoire_fermetures", "Polygon((0 45,0.001 45,0.001 45.001,0 45))", {"nom": "Marché"}),
    ("territoire_rues_fermees", "LineString(0 45,0.0013 45)", {"rue": "Rue du Sud"}),
    ("territoire_masques", "MultiPolygon(((0 45,0.001 45,0 45.001,0 45)))", {"camera": "1"}),
)


def main() -> None:
    """Print what QGIS saw."""
    application = QgsApplication([], False)
    application.initQgis()
    project = QgsProject.instance()
    read = project.read(sys.argv[1])
    layers = {layer.id(): layer for layer in project.mapLayers().values()}
    seen = {
        "read": read, "crs": project.crs().authid(), "ellipsoid": project.ellipsoid(),
        "layers": {name: _layer(layer) for name, layer in layers.items()},
        "groups": [group.name() for group in project.layerTreeRoot().findGroups()],
        "shown": [node.layerId() for node in project.layerTreeRoot().findLayers()],
        "drawn": [_draw(layers[name], shape, values) for name, shape, values in DRAWN],
    }  # fmt: skip
    seen["errors"], seen["colours"] = _picture(project, sys.argv[2])
    print(json.dumps(seen))


def _layer(layer: QgsVectorLayer) -> dict[str, Any]:
    fields = layer.fields()
    forms = {f.name(): layer.editorWidgetSetup(n).type() for n, f in enumerate(fields)}
    wrong = []
    rules = layer.renderer().rootRule().children() if layer.renderer() else []
    for rule in rules:
        expressions = [rule.filterExpression()] if rule.filterExpression() else []
        for stroke in rule.symbol().symbolLayers():
            expressions += [
                property_.expressionString()
                for key in stroke.dataDefinedProperties().propertyKeys()
                for property_ in [stroke.dataDefinedProperties().property(key)]
            ]
            if stroke.layerType() == "GeometryGenerator":
                expressions.append(stroke.geometryExpression())
        wrong += [each for each in expressions if QgsExpression(each).hasParserError()]
        wrong += [f"{rule.label()}: nothing is drawn"] * (rule.symbol().symbolLayerCount() == 0)
    if layer.labelsEnabled():
        label = layer.labeling().settings()
        wrong += [label.fieldName] if QgsExpression(label.fieldName).hasParserError() else []
    return {
        "title": layer.name(), "valid": layer.isValid(), "count": layer.featureCount(),
        "read_only": layer.readOnly(), "forms": forms, "wrong": wrong,
        "aliases": {field.name(): field.alias() for field in fields},
        "rules": [rule.label() for rule in rules],
    }  # fmt: skip


def _draw(layer: QgsVectorLayer, shape: str, values: dict[str, str]) -> list[str]:
    """Add a feature in an edit session; say what was wrong."""
    layer.startEditing()
    feature = QgsFeature(layer.fields())
    feature.setGeometry(QgsGeometry.fromWkt(shape))
    for name, value in values.items():
        feature.setAttribute(name, value)
    layer.addFeature(feature)
    return [] if layer.commitChanges() else list(layer.commitErrors())


def _picture(project: QgsProject, path: str) -> tuple[list[str], int]:
    nodes = project.layerTreeRoot().findLayers()
    settings = QgsMapSettings()
    settings.setLayers([node.layer() for node in nodes if node.isVisible()])
    settings.setDestinationCrs(project.crs())
    settings.setTransformContext(project.transformContext())
    settings.setOutputSize(QSize(1200, 900))
    settings.setBackgroundColor(QColor("#f2efe9"))
    view = project.viewSettings().defaultViewExtent()
    settings.setExtent(QgsReferencedRectangle(view, view.crs()))
    job = QgsMapRendererParallelJob(settings)
    job.start()
    job.waitForFinished()
    image = job.renderedImage()
    image.save(path)
    pixels = {image.pixel(x, y) for x in range(0, 1200, 3) for y in range(0, 900, 3)}
    return [error.message for error in job.errors()], len(pixels)


main()
