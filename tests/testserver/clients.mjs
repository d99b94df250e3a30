// Registered clients. Every client that a command-line tool could be is native: any port on a loopback redirect works.
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';

const REDIRECTS = ['127.0.0.1', 'localhost', '[::1]'].flatMap((host) =>
  ['/', '/callback', '/a/deep/path'].map((path) => `http://${host}${path}`));
const CODE = 'authorization_code';
const REFRESH = 'refresh_token';
const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code';
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const CIBA = 'urn:openid:params:grant-type:ciba';

// By way of text: node 20 now and then deadlocks when it exports the very key object that a generation returned (the garbage
// collector takes the finished job, and with it the key's lock, in the middle of the export).
const jwk = (type, options, extra) => {
  const encoding = { privateKeyEncoding: { format: 'pem', type: 'pkcs8' }, publicKeyEncoding: { format: 'pem', type: 'spki' } };
  const { privateKey: pem } = generateKeyPairSync(type, { ...options, ...encoding });
  return { ...createPrivateKey(pem).export({ format: 'jwk' }), ...extra, pem };
};
const publicPart = ({ d, p, q, dp, dq, qi, pem, ...rest }) => rest;

/** One private key per algorithm family; the private halves are handed to the tests. */
export const makeClientKeys = () => ({
  ES256: jwk('ec', { namedCurve: 'P-256' }, { kid: 'client-es256', alg: 'ES256', use: 'sig' }),
  // No alg: the same RSA key may sign RS256 and PS256.
  RS256: jwk('rsa', { modulusLength: 2048 }, { kid: 'client-rsa', use: 'sig' }),
  EdDSA: jwk('ed25519', {}, { kid: 'client-ed25519', use: 'sig' }),
  ENC: jwk('ec', { namedCurve: 'P-256' }, { kid: 'client-enc', alg: 'ECDH-ES', use: 'enc' }),
});

export const makeServerKeys = () => ({
  keys: [
    jwk('rsa', { modulusLength: 2048 }, { kid: 'op-rsa', use: 'sig' }),
    jwk('ec', { namedCurve: 'P-256' }, { kid: 'op-es256', alg: 'ES256', use: 'sig' }),
    jwk('ed25519', {}, { kid: 'op-ed25519', use: 'sig' }),
    jwk('ec', { namedCurve: 'P-256' }, { kid: 'op-enc', alg: 'ECDH-ES', use: 'enc' }),
  ].map(({ pem, ...key }) => key),
});

export const makeClients = (clientKeys, { selfSignedCert } = {}) => {
  const jwks = { keys: Object.values(clientKeys).map(publicPart) };
  const native = (client_id, extra = {}) => ({
    client_id,
    client_name: `Test client ${client_id}`,
    application_type: 'native',
    redirect_uris: [...REDIRECTS, 'com.example.keyfob:/callback'],
    post_logout_redirect_uris: ['http://127.0.0.1/logged-out', 'http://localhost/logged-out'],
    response_types: ['code'],
    grant_types: [CODE, REFRESH],
    token_endpoint_auth_method: 'none',
    authorization_details_types: ['payment_initiation'],
    ...extra,
  });
  const secret = (id, method, value, extra) =>
    native(id, { token_endpoint_auth_method: method, client_secret: value, ...extra });
  const keyed = (id, extra) => native(id, { token_endpoint_auth_method: 'private_key_jwt', jwks, ...extra });
  const machine = (id, extra) => ({
    client_id: id, redirect_uris: [], response_types: [], grant_types: ['client_credentials'], ...extra,
  });

  return [
    // Client authentication
    native('cli-public', { grant_types: [CODE, REFRESH, DEVICE] }),
    secret('cli-basic', 'client_secret_basic', 'basic-secret', { grant_types: [CODE, REFRESH, DEVICE] }),
    secret('cli-basic-odd', 'client_secret_basic', 'a:b+c/d%20e&f=g h~"'),
    secret('cli:odd id/+%41', 'client_secret_basic', 'plain-secret'),
    secret('cli-post', 'client_secret_post', 'post-secret'),
    secret('cli-secret-jwt', 'client_secret_jwt', 'secret-jwt-secret-of-at-least-32-bytes'),
    keyed('cli-private-key-jwt'),
    // Token lifetimes and refresh behaviour
    native('cli-short', {}), // access tokens live 2 seconds
    native('cli-renewed', {}), // the first access token lives 2 seconds, those got by a refresh an hour
    native('cli-norefresh', { grant_types: [CODE] }),
    secret('cli-static-refresh', 'client_secret_basic', 'static-secret'), // refresh token is not rotated
    // Sender-constrained tokens
    native('cli-dpop', { dpop_bound_access_tokens: true }),
    native('cli-dpop-nonce', { dpop_bound_access_tokens: true }), // server demands nonces
    // How the request travels, how the answer comes back
    native('cli-par', { require_pushed_authorization_requests: true }),
    native('cli-jar', { require_signed_request_object: true, request_object_signing_alg: 'ES256', jwks }),
    native('cli-jar-encrypted', {
      require_signed_request_object: true, request_object_signing_alg: 'ES256', request_object_encryption_alg: 'ECDH-ES',
      request_object_encryption_enc: 'A256GCM', jwks,
    }),
    native('cli-jarm', { response_modes: ['jwt', 'query.jwt', 'form_post.jwt'], authorization_signed_response_alg: 'RS256' }),
    native('cli-jarm-es256', { response_modes: ['jwt', 'query.jwt'], authorization_signed_response_alg: 'ES256' }),
    // ID token and userinfo variants
    native('cli-idtoken-es256', { id_token_signed_response_alg: 'ES256' }),
    native('cli-idtoken-ps256', { id_token_signed_response_alg: 'PS256' }),
    native('cli-idtoken-eddsa', { id_token_signed_response_alg: 'EdDSA' }),
    secret('cli-idtoken-hs256', 'client_secret_basic', 'hs256-secret-of-at-least-32-bytes-long', { id_token_signed_response_alg: 'HS256' }),
    native('cli-idtoken-encrypted', {
      jwks, id_token_encrypted_response_alg: 'ECDH-ES', id_token_encrypted_response_enc: 'A256GCM',
    }),
    native('cli-userinfo-signed', { userinfo_signed_response_alg: 'RS256' }),
    // Other grants
    native('cli-device', { grant_types: [DEVICE, REFRESH], redirect_uris: [], response_types: [] }),
    secret('cli-ciba', 'client_secret_basic', 'ciba-secret', {
      grant_types: [CIBA, REFRESH], redirect_uris: [], response_types: [], backchannel_token_delivery_mode: 'poll',
    }),
    secret('cli-exchange', 'client_secret_basic', 'exchange-secret', { grant_types: [CODE, REFRESH, EXCHANGE] }),
    machine('machine-basic', { token_endpoint_auth_method: 'client_secret_basic', client_secret: 'machine-secret' }),
    machine('machine-post', { token_endpoint_auth_method: 'client_secret_post', client_secret: 'machine-secret' }),
    machine('machine-jwt', { token_endpoint_auth_method: 'private_key_jwt', jwks }),
    // Profiles: FAPI 2.0 Security Profile (PAR + PKCE + private_key_jwt + sender-constrained tokens)
    keyed('cli-fapi2-dpop', { authorization_signed_response_alg: 'PS256', dpop_bound_access_tokens: true, require_pushed_authorization_requests: true, id_token_signed_response_alg: 'PS256' }),
    keyed('cli-fapi2-mtls', { authorization_signed_response_alg: 'PS256', tls_client_certificate_bound_access_tokens: true, require_pushed_authorization_requests: true, id_token_signed_response_alg: 'PS256' }),
    // Mutual TLS client authentication (use the https issuer and its mtls_endpoint_aliases)
    native('cli-mtls', {
      token_endpoint_auth_method: 'tls_client_auth',
      tls_client_auth_subject_dn: 'CN=cli-mtls',
      tls_client_certificate_bound_access_tokens: true,
    }),
    ...(selfSignedCert ? [native('cli-mtls-self', {
      token_endpoint_auth_method: 'self_signed_tls_client_auth',
      tls_client_certificate_bound_access_tokens: true,
      jwks: { keys: [selfSignedCert] },
    })] : []),
    // A resource server's own credentials, for introspection
    machine('resource-server', { token_endpoint_auth_method: 'client_secret_basic', client_secret: 'resource-server-secret', grant_types: [] }),
  ];
};
