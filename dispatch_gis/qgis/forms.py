"""The form in which a feature is filled in: choices instead of codes, cameras by their names."""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement

from dispatch_gis.qgis.symbols import Say, option_map
from dispatch_gis.schema import Column, Keeper, Layer, Type


def form(parent: Element, layer: Layer, say: Say) -> None:
    """Write a layer's columns: their titles, and how each is filled in."""
    written = SubElement(parent, "fieldConfiguration")
    titles = SubElement(parent, "aliases")
    allowed = SubElement(parent, "editable")
    for number, column in enumerate(layer.columns, start=1):  # the identifier of the row is first
        field = SubElement(written, "field", name=column.name)
        _widget(field, column, say)
        SubElement(titles, "alias", field=column.name, name=say(column.title), index=str(number))
        by_hand = layer.keeper is not Keeper.RENFORT
        SubElement(allowed, "field", name=column.name, editable=str(int(by_hand)))


def _widget(field: Element, column: Column, say: Say) -> None:
    if column.choices:
        whole = option_map(_config(field, "ValueMap"), {})
        choices = SubElement(whole, "Option", name="map", type="List")
        for value, title in column.choices.items():
            option_map(choices, {say(title): value})
    elif column.camera:
        values = {
            "Layer": "territoire_cameras", "LayerName": "cameras", "Key": "id", "Value": "nom",
            "AllowNull": "true", "OrderByValue": "true", "AllowMulti": "false",
        }  # fmt: skip
        option_map(_config(field, "ValueRelation"), values)
    elif column.moment:
        values = {
            "field_format": "yyyy-MM-dd HH:mm", "display_format": "yyyy-MM-dd HH:mm",
            "calendar_popup": "true", "allow_null": "true", "field_iso_format": "false",
        }  # fmt: skip
        option_map(_config(field, "DateTime"), values)
    elif column.type is Type.YES:
        option_map(_config(field, "CheckBox"), {"AllowNullState": "true"})
    elif column.span is not None:
        least, most = column.span
        values = {
            "Min": str(least), "Max": str(most), "Step": "1", "AllowNull": "true",
            "Style": "SpinBox", "Precision": "0" if column.type is Type.WHOLE else "1",
        }  # fmt: skip
        option_map(_config(field, "Range"), values)
    else:
        option_map(_config(field, "TextEdit"), {"IsMultiline": "false"})


def _config(field: Element, widget: str) -> Element:
    return SubElement(SubElement(field, "editWidget", type=widget), "config")
