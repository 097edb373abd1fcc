"""PyPI's onvif-python, in an environment of its own: prints profiles, addresses, the model."""

import json
import sys

from onvif import ONVIFClient

port, password = sys.argv[1:]
client = ONVIFClient("127.0.0.1", int(port), "vms", password)
device, media = client.devicemgmt(), client.media()
for name in (
    "GetSystemDateAndTime",
    "GetHostname",
    "GetScopes",
    "GetNetworkInterfaces",
    "GetUsers",
):
    getattr(device, name)()
for name in ("GetVideoSources", "GetVideoSourceConfigurations", "GetVideoEncoderConfigurations",
             "GetAudioSources", "GetAudioEncoderConfigurations"):  # fmt: skip
    getattr(media, name)()
setup = {"Stream": "RTP-Unicast", "Transport": {"Protocol": "RTSP"}}
profiles = [
    [each.Name, media.GetStreamUri(StreamSetup=setup, ProfileToken=each.token).Uri]
    for each in media.GetProfiles()
]
newer = client.media2()
again = [
    [each.Name, newer.GetStreamUri(Protocol="RTSP", ProfileToken=each.token)]
    for each in newer.GetProfiles()
]
model = device.GetDeviceInformation().Model
print(json.dumps({"profiles": profiles, "again": again, "model": model}))
