// npm "onvif": prints each profile, its address, and what the device says of itself.
const { Cam } = require("onvif");

const [, , port, password] = process.argv;
const cam = new Cam({ hostname: "127.0.0.1", port, username: "vms", password, timeout: 20000, autoconnect: false });
const ask = (name, ...args) => new Promise((found, lost) => {
  cam[name](...args, (error, answer) => (error ? lost(new Error(`${name}: ${error.message ?? error}`)) : found(answer)));
});

(async () => {
  await ask("connect");
  const walked = ["getSystemDateAndTime", "getDeviceInformation", "getCapabilities", "getServices", "getHostname", "getScopes",
    "getNetworkInterfaces", "getDNS", "getNTP", "getVideoSources", "getVideoSourceConfigurations", "getVideoEncoderConfigurations",
    "getVideoEncoderConfigurationOptions", "getAudioSources", "getAudioSourceConfigurations", "getAudioEncoderConfigurations", "getOSDs"];
  for (const name of walked) await ask(name);
  const profiles = [];
  for (const profile of cam.profiles) {
    const { uri } = await ask("getStreamUri", { protocol: "RTSP", profileToken: profile.$.token });
    profiles.push([profile.name, uri]);
  }
  console.log(JSON.stringify({ profiles, model: (await ask("getDeviceInformation")).model }));
  process.exit(0);
})().catch((error) => { console.error(error.message); process.exit(1); });
