// npm "node-onvif": prints each profile, its address, and what the device says of itself.
const { OnvifDevice } = require("node-onvif");

const [, , port, password] = process.argv;
const device = new OnvifDevice({ xaddr: `http://127.0.0.1:${port}/onvif/device_service`, user: "vms", pass: password });

(async () => {
  const information = await device.init();
  for (const name of ["getCapabilities", "getHostname", "getScopes", "getNetworkInterfaces", "getDNS", "getNTP", "getUsers"]) {
    await device.services.device[name]();
  }
  await device.services.device.getServices({ IncludeCapability: false });
  for (const name of ["getVideoSources", "getVideoSourceConfigurations", "getVideoEncoderConfigurations", "getAudioSources",
    "getAudioSourceConfigurations", "getAudioEncoderConfigurations", "getProfiles"]) {
    await device.services.media[name]();
  }
  const profiles = device.getProfileList().map((profile) => [profile.name, profile.stream.rtsp]);
  console.log(JSON.stringify({ profiles, model: information.Model }));
  process.exit(0);
})().catch((error) => { console.error(error.message ?? error); process.exit(1); });
