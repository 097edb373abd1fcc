"""The SOAP contract of ServerCommandService, the part of it that is served.

Names, order and types are those of the maker's sample `ServerCommandWrapper`: .NET data contracts
go alphabetically, a base before what extends it. Operations that are not here are refused.
"""

from __future__ import annotations

NS = "http://videoos.net/2/XProtectCSServerCommand"
ARRAYS = "http://schemas.microsoft.com/2003/10/Serialization/Arrays"
SERIAL = "http://schemas.microsoft.com/2003/10/Serialization/"

Members = tuple[tuple[str, str], ...]
#: Simple types, as XML Schema calls them; `guid` is .NET's own.
SIMPLE = ("string", "int", "long", "boolean", "double", "dateTime", "guid")

#: Type → the type it extends ("": none), members. `X[]` is an array.
TYPES: dict[str, tuple[str, Members]] = {
    "TimeDuration": ("", (("MicroSeconds", "long"),)),
    "LoginInfo_CCode": ("", (
        ("RegistrationTime", "dateTime"), ("TimeToLive", "TimeDuration"),
        ("TimeToLiveLimited", "boolean"), ("Token", "string"),
    )),
    "KeyValue": ("", (("Key", "string"), ("Value", "string"))),
    "GroupInfo": ("", (("Description", "string"), ("GroupId", "guid"), ("Name", "string"))),
    "CameraGroupInfo": (
        "GroupInfo", (("CameraGroups", "CameraGroupInfo[]"), ("Cameras", "guid[]"))
    ),
    "EventTypeInfo": (
        "", (("Description", "string"), ("EventTypeId", "guid"), ("Name", "string"))
    ),
    "MatrixMonitorInfo": ("", (("DisplayName", "string"), ("MatrixMonitorId", "guid"))),
    "DeviceInfo": ("", (
        ("CoverageDepth", "double"), ("CoverageDirection", "double"),
        ("CoverageFieldOfView", "double"), ("Description", "string"), ("DeviceId", "guid"),
        ("DeviceIndex", "int"), ("GisPoint", "string"), ("HardwareId", "guid"), ("Icon", "int"),
        ("Name", "string"), ("RecorderId", "guid"), ("ShortName", "string"),
        ("Shortcut", "string"),
    )),
    "CameraInfo": ("DeviceInfo", (
        ("BrowsableStream", "boolean"), ("EdgeStoragePlayback", "boolean"),
        ("EdgeStorageSupported", "boolean"), ("MaxFPS", "double"),
        ("MulticastEnabled", "boolean"), ("StopManualRecordingSeconds", "int"),
    )),
    "HardwareInfo": ("", (
        ("Description", "string"), ("DeviceIds", "guid[]"), ("HardwareId", "guid"),
        ("Interconnected", "boolean"), ("LastModified", "dateTime"), ("Name", "string"),
        ("RecorderId", "guid"), ("Uri", "string"),
    )),
    "RecorderInfo": ("", (
        ("Cameras", "CameraInfo[]"), ("DefaultRecordingTimeSeconds", "int"),
        ("Description", "string"), ("Hardware", "HardwareInfo[]"), ("HostName", "string"),
        ("LastModified", "dateTime"), ("Name", "string"), ("RecorderId", "guid"),
        ("ServiceId", "guid"), ("TimeZoneName", "string"), ("WebServerUri", "string"),
        ("XmlEncoding", "string"),
    )),
    "ConfigurationInfo": ("", (
        ("CameraGroups", "CameraGroupInfo[]"), ("EventTypes", "EventTypeInfo[]"),
        ("FailoverCheckInterval", "int"), ("MatrixMonitors", "MatrixMonitorInfo[]"),
        ("Recorders", "RecorderInfo[]"), ("ServerDescription", "string"), ("ServerId", "guid"),
        ("ServerName", "string"),
    )),
}  # fmt: skip

#: Operation → parameters in order, and what it gives ("": nothing).
OPERATIONS: dict[str, tuple[Members, str]] = {
    "GetVersion": ((), "int"),
    "GetServerVersion": ((), "string"),
    "IsOnline": ((), "boolean"),
    "Login": ((("instanceId", "guid"), ("currentToken", "string")), "LoginInfo_CCode"),
    "Logout": ((("instanceId", "guid"), ("currentToken", "string")), ""),
    "RegisterIntegration": ((
        ("token", "string"), ("instanceId", "string"), ("integrationId", "guid"),
        ("integrationVersion", "string"), ("integrationName", "string"),
        ("manufacturerName", "string"),
    ), ""),
    "GetConfiguration": ((("token", "string"),), "ConfigurationInfo"),
    "EventTrigger": ((("token", "string"), ("eventId", "guid")), ""),
    "EventTriggerWithMetadata": (
        (("token", "string"), ("eventId", "guid"), ("metadata", "KeyValue[]")), ""
    ),
    "MatrixMonitorActivateCamera": (
        (("token", "string"), ("matrixMonitorId", "guid"), ("deviceId", "guid")), ""
    ),
}  # fmt: skip


def action(operation: str, reply: bool = False) -> str:
    """Give the SOAPAction of an operation."""
    return f"{NS}/IServerCommandService/{operation}{'Response' if reply else ''}"
