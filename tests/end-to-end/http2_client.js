// Node's http2 client: asks for everything at once in one session, whatever site it is of.
//
// Standard input: {address, port, server, ca, requests: [{host, path}]}
// Standard output: {sessions, protocol, answers: [{host, path, status, body}]}
"use strict";
const fs = require("fs"), http2 = require("http2"), tls = require("tls");
const { address, port, server, ca, requests } = JSON.parse(fs.readFileSync(0, "utf8"));

let sessions = 0, protocol = null;
const session = http2.connect(`https://${server}:${port}`, {
  createConnection: () => tls.connect({
    host: address, port, servername: server, ca: fs.readFileSync(ca), ALPNProtocols: ["h2"] }),
});
session.on("connect", (_, socket) => { sessions += 1; protocol = socket.alpnProtocol; });
session.on("error", fail);

function fail(error) {
  console.error(error);
  process.exit(1);
}

function ask({ host, path }) {
  return new Promise((resolve) => {
    const stream = session.request({ ":authority": `${host}:${port}`, ":path": path });
    const pieces = [];
    let status = 0;
    stream.on("response", (fields) => { status = fields[":status"]; });
    stream.on("data", (piece) => pieces.push(piece));
    stream.on("error", fail);
    stream.on("end", () =>
      resolve({ host, path, status, body: Buffer.concat(pieces).toString("latin1") }));
  });
}

Promise.all(requests.map(ask)).then((answers) => {
  session.close();
  process.stdout.write(JSON.stringify({ sessions, protocol, answers }));
});
