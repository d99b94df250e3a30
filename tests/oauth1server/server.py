"""An OAuth 1.0a server that nobody here wrote: the provider of Authlib, on Flask.

Usage: server.py PRIVATE_KEY_PEM. Prints its address on one line and ends with its standard input. The person at
/authorize always agrees. One client: `cli`, with the secret `s&cr et` and the public half of the key.
"""

import sys
import threading

from authlib.integrations.flask_oauth1 import (
    AuthorizationServer,
    ResourceProtector,
    current_credential,
)
from authlib.integrations.flask_oauth1.cache import (
    create_exists_nonce_func,
    register_nonce_hooks,
    register_temporary_credential_hooks,
)
from authlib.oauth1 import ClientMixin, TokenCredentialMixin
from cryptography.hazmat.primitives import serialization
from flask import Flask, jsonify, request
from werkzeug.serving import make_server

METHODS = ["HMAC-SHA1", "PLAINTEXT", "RSA-SHA1"]


class Cache(dict):
    def set(self, key, value, timeout=None):
        self[key] = value

    def has(self, key):
        return key in self

    def delete(self, key):
        self.pop(key, None)


class Client(ClientMixin):
    def __init__(self, key):
        self.key = key

    def get_default_redirect_uri(self):
        return None

    def get_client_secret(self):
        return "s&cr et"

    def get_rsa_public_key(self):
        return self.key


class Token(TokenCredentialMixin):
    def __init__(self, token, user):
        self.token = token
        self.user = user

    def get_oauth_token(self):
        return self.token["oauth_token"]

    def get_oauth_token_secret(self):
        return self.token["oauth_token_secret"]


class Person:
    def get_user_id(self):
        return "7"


def application(key):
    app = Flask(__name__)
    app.config["OAUTH1_SUPPORTED_SIGNATURE_METHODS"] = METHODS
    client, tokens, cache = Client(key), {}, Cache()

    def query_client(client_id):
        return client if client_id == "cli" else None

    def create_token_credential(token, temporary):
        tokens[token["oauth_token"]] = Token(token, temporary.get_user_id())
        return tokens[token["oauth_token"]]

    server = AuthorizationServer(app, query_client=query_client)
    register_nonce_hooks(server, cache)
    register_temporary_credential_hooks(server, cache)
    server.register_hook("create_token_credential", create_token_credential)
    protected = ResourceProtector(
        app,
        query_client=query_client,
        query_token=lambda client_id, token: tokens.get(token),
        exists_nonce=create_exists_nonce_func(cache),
    )

    @app.post("/initiate")
    def initiate():
        return server.create_temporary_credentials_response()

    @app.get("/authorize")
    def authorize():
        server.check_authorization_request()
        return server.create_authorization_response(grant_user=Person())

    @app.post("/token")
    def token():
        return server.create_token_response()

    @app.route("/me", methods=["GET", "POST", "PUT", "DELETE"])
    @protected()
    def me():
        return jsonify(id=current_credential.user, login="alice", seen=request.args.getlist("x"))

    return app


def main():
    with open(sys.argv[1], "rb") as file:
        private = serialization.load_pem_private_key(file.read(), None)
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    key = private.public_key().public_bytes(serialization.Encoding.PEM, form).decode()
    server = make_server("127.0.0.1", 0, application(key), threaded=True)
    print(f"http://127.0.0.1:{server.port}", flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()


main()
