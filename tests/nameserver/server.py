"""The other places that a handle leads to: a directory and data server at localhost:8080, and the host bob.test at 443."""

import http.server
import json
import ssl
import sys
import threading

ALICE, BOB = "did:plc:ewvi7nxzyoun6zhxrhs64oiz", "did:web:bob.test"
HANDLES = {ALICE: "alice.test", BOB: "bob.test"}


def document(did, here):
    service = {"id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": here}
    return {"id": did, "alsoKnownAs": [f"at://{HANDLES[did]}"], "service": [service]}


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.headers["Host"] == "dave.test":
            return self.send_error(404)
        is_bob = self.server.server_port == 443
        here = "https://bob.test" if is_bob else "http://localhost:8080"
        documents = {
            "/.well-known/oauth-protected-resource": {"resource": here, "authorization_servers": [here]},
            **({"/.well-known/did.json": document(BOB, here)} if is_bob else {f"/{ALICE}": document(ALICE, here)}),
        }
        if is_bob and self.path == "/.well-known/atproto-did":
            self.send_response(302)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            return self.end_headers()
        if is_bob and self.path == "/elsewhere":
            return self.answer("text/plain", f"{BOB}\n")
        if self.path in documents:
            return self.answer("application/json", json.dumps(documents[self.path]))
        return self.send_error(404)

    def answer(self, kind, text):
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def main():
    folder = sys.argv[1]
    plain = http.server.ThreadingHTTPServer(("127.0.0.1", 8080), Handler)
    secure = http.server.ThreadingHTTPServer(("127.0.0.1", 443), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{folder}/bob.pem", f"{folder}/bob.key")
    secure.socket = context.wrap_socket(secure.socket, server_side=True)
    threading.Thread(target=secure.serve_forever, daemon=True).start()
    print("ready", flush=True)
    plain.serve_forever()


main()
