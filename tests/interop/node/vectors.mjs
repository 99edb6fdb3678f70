// The worked examples of the page, read by other libraries than those that made them.
import { createPrivateKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { strict as assert } from "node:assert";
import { blobDocument, chainInput, chainSignatureHolds, keysOf, leaf, link, opened, origin, sha256, verified } from "./secrets.mjs";

const told = JSON.parse(readFileSync(process.argv[2], "utf8"));
const id = told.device_id;
const one = (name) => keysOf({ keys: [told.keys[name]] }, told.keys[name].use);

const server = await one("server_signing"), device = await one("device_signing");
assert.deepEqual([...server.keys(), ...device.keys()], [told.keys.server_signing.kid, told.keys.device_signing.kid]);
assert.deepEqual(await verified(told.command.token, "shouji-command+jws", server, id), told.command.claims);
assert.deepEqual(await verified(told.archived.token, "shouji-archived+jws", server, id), told.archived.claims);
assert.deepEqual(await verified(told.jwt.token, "shouji-device+jwt", device, id), told.jwt.claims);
await assert.rejects(verified(told.archived.token, "shouji-command+jws", server, id), /header/);

const sealing = createPrivateKey({ key: told.keys.server_encryption, format: "jwk" });
assert.equal((await opened(told.result.jwe, sealing)).toString("utf8"), told.result.token);
const batch = JSON.parse((await opened(told.chain.jwe, sealing)).toString("utf8"));
assert.deepEqual(batch, told.chain.batch);

let head = origin(id);
assert.equal(head.toString("hex"), told.chain.h[0]);
batch.records.forEach((text, index) => {
  head = link(head, leaf(text));
  assert.equal(head.toString("hex"), told.chain.h[index + 1]);
});
assert.equal(chainInput(id, head).toString("hex"), told.chain.signature_input);
const { d: _secret, ...signing } = told.keys.device_signing;
assert.ok(chainSignatureHolds(signing, id, head, batch.sig));

const blob = Buffer.from(told.blob.blob, "base64");
assert.equal(sha256(blob).toString("hex"), told.blob.digest);
assert.deepEqual(blobDocument(blob, told.blob.key), JSON.parse(told.blob.document));
console.log("all examples hold");
