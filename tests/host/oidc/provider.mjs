// A certified OpenID provider (npm oidc-provider) with three accounts; its keys are made at start.
import { generateKeyPairSync } from "node:crypto";
import Provider from "oidc-provider";

const [port, redirect, back] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;
const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const key = { ...privateKey.export({ format: "jwk" }), use: "sig", alg: "ES256" };
const groups = { lea: ["csu-chefs"], tom: ["csu-civils", "autre"], zoe: ["voirie"] };
const provider = new Provider(issuer, {
  clients: [{
    client_id: "renfort", client_secret: "a-secret-of-the-test-client",
    redirect_uris: [redirect], post_logout_redirect_uris: [back],
    id_token_signed_response_alg: "ES256",
  }],
  jwks: { keys: [key] },
  scopes: ["openid", "profile", "groups"],
  claims: { openid: ["sub"], profile: ["preferred_username"], groups: ["groups", "communes"] },
  features: { devInteractions: { enabled: true }, rpInitiatedLogout: { enabled: true } },
  cookies: { keys: ["test"] },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ sub: id, preferred_username: id, groups: groups[id] ?? [], communes: "34344" }),
  }),
});
provider.listen(Number(port), "127.0.0.1", () => process.stdout.write("ready\n"));
