// A certified OpenID Provider (npm oidc-provider) with everything it supports switched on, for tests on loopback.
// Usage: node server.mjs PORT [--state DIR] [--deps DIR] [--initial-access-token TOKEN] [--exit-with-stdin]
import { execFileSync } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync, mkdtempSync, existsSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { makeClientKeys, makeClients, makeServerKeys } from './clients.mjs';
import * as pages from './pages.mjs';
import { makeApi } from './api.mjs';

const { values: opt, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    state: { type: 'string' },
    deps: { type: 'string', default: process.env.KEYFOB_TESTSERVER_DEPS },
    'initial-access-token': { type: 'string' },
    'exit-with-stdin': { type: 'boolean', default: false },
  },
});
const port = Number(positionals[0] ?? 0);
const state = opt.state ?? mkdtempSync(path.join(tmpdir(), 'keyfob-testserver-'));
mkdirSync(state, { recursive: true });
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(0));
if (!opt.state) process.on('exit', () => rmSync(state, { recursive: true, force: true }));

const require = createRequire(opt.deps ? path.join(path.resolve(opt.deps), 'package.json') : import.meta.url);
const load = (name) => import(pathToFileURL(require.resolve(name)).href);
// The library warns about development defaults on stdout/stderr; stdout must carry exactly one line.
for (const name of ['log', 'info', 'warn']) console[name] = (...args) => process.stderr.write(`${args.join(' ')}\n`);
const [{ default: Provider, errors, interactionPolicy }, jose] = await Promise.all([load('oidc-provider'), load('jose')]);

// ---------------------------------------------------------------- certificates
const tls = Object.fromEntries(['ca', 'server', 'client', 'self'].map((name) => [name, {
  cert: path.join(state, `${name}.crt`), key: path.join(state, `${name}.key`),
}]));
const openssl = (...args) => execFileSync('openssl', args, { stdio: 'ignore' });
const newCert = ({ cert, key }, subject, ...extra) => openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt',
  'ec_paramgen_curve:P-256', '-nodes', '-days', '30', '-subj', subject, '-keyout', key, '-out', cert, ...extra);
const signed = ['-CA', tls.ca.cert, '-CAkey', tls.ca.key];
let hasTls = true;
try {
  if (!existsSync(tls.self.cert)) {
    newCert(tls.ca, '/CN=keyfob test CA', '-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign');
    newCert(tls.server, '/CN=localhost', ...signed, '-addext', 'basicConstraints=critical,CA:FALSE',
      '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1', '-addext', 'extendedKeyUsage=serverAuth');
    newCert(tls.client, '/CN=cli-mtls', ...signed, '-addext', 'basicConstraints=critical,CA:FALSE', '-addext', 'extendedKeyUsage=clientAuth');
    newCert(tls.self, '/CN=cli-mtls-self');
  }
} catch (error) {
  hasTls = false;
  process.stderr.write(`no TLS issuer: openssl failed (${error.message})\n`);
}
const selfSignedCert = hasTls ? (() => {
  const cert = new X509Certificate(readFileSync(tls.self.cert));
  return { ...cert.publicKey.export({ format: 'jwk' }), x5c: [cert.raw.toString('base64')], kid: 'self' };
})() : undefined;

// ---------------------------------------------------------------- users, clients, keys
const users = {
  alice: { password: 'wonderland', name: 'Alice Liddell', email: 'alice@example.test', groups: ['staff', 'readers'] },
  bob: { password: 'builder', name: 'Bob Builder', email: 'bob@example.test', groups: ['readers'] },
};
const clientKeys = makeClientKeys();
const serverKeys = makeServerKeys();
for (const [name, { pem, ...jwk }] of Object.entries(clientKeys)) {
  writeFileSync(path.join(state, `client-${name}.pem`), pem, { mode: 0o600 });
  writeFileSync(path.join(state, `client-${name}.jwk`), JSON.stringify(jwk), { mode: 0o600 });
}

// ---------------------------------------------------------------- one provider per issuer, sharing nothing but configuration
const control = { requests: [], faults: [] };

// Unlike a strict provider, let a native client be answered without a page when the user is signed in and has consented:
// only so can prompt=none succeed.
const policy = interactionPolicy.base();
policy.get('consent').checks.remove('native_client_prompt');

// The provider fetches client ID metadata documents; here they live on its own https port, under the test CA.
const ownFetch = (url, options) => (new URL(url).hostname !== 'localhost' ? globalThis.fetch(url, options) : new Promise((resolve, reject) => {
  https.get(url, { ca: readFileSync(tls.ca.cert), headers: { accept: 'application/json' } }, async (answer) => {
    const body = [];
    for await (const chunk of answer) body.push(chunk);
    resolve(new Response(Buffer.concat(body), { status: answer.statusCode, headers: answer.headers }));
  }).on('error', reject);
}));

const configuration = (issuer, aliasBase) => {
  const apis = {
    [`${issuer}/api`]: { scope: 'api:read api:write', accessTokenFormat: 'jwt', jwt: { sign: { alg: 'RS256' } } },
    [`${issuer}/opaque-api`]: { scope: 'api:read api:write', accessTokenFormat: 'opaque' },
  };
  return {
    clients: makeClients(clientKeys, { selfSignedCert }),
    jwks: serverKeys,
    clockTolerance: 0,
    cookies: { keys: ['test-only'] },
    claims: {
      openid: ['sub'], profile: ['name', 'preferred_username', 'locale', 'updated_at'],
      email: ['email', 'email_verified'], groups: ['groups'],
    },
    scopes: ['openid', 'offline_access'],
    acrValues: ['urn:example:basic', 'urn:example:strong'],
    clientAuthMethods: ['none', 'client_secret_basic', 'client_secret_post', 'client_secret_jwt', 'private_key_jwt',
      ...(hasTls ? ['tls_client_auth', 'self_signed_tls_client_auth'] : [])],
    enabledJWA: {
      idTokenSigningAlgValues: ['RS256', 'PS256', 'ES256', 'EdDSA', 'HS256'],
      dPoPSigningAlgValues: ['ES256', 'EdDSA', 'RS256', 'PS256'],
    },
    discovery: aliasBase ? {
      mtls_endpoint_aliases: {
        token_endpoint: `${aliasBase}/token`, userinfo_endpoint: `${aliasBase}/me`,
        pushed_authorization_request_endpoint: `${aliasBase}/request`, revocation_endpoint: `${aliasBase}/token/revocation`,
        introspection_endpoint: `${aliasBase}/token/introspection`, device_authorization_endpoint: `${aliasBase}/device/auth`,
        backchannel_authentication_endpoint: `${aliasBase}/backchannel`,
      },
    } : {},
    async findAccount(_ctx, sub) {
      const user = users[sub];
      return user && {
        accountId: sub,
        claims: () => ({
          sub, name: user.name, preferred_username: sub, locale: 'en', updated_at: 1700000000,
          email: user.email, email_verified: true, groups: user.groups,
        }),
      };
    },
    interactions: { policy, url: (_ctx, { uid }) => `/interaction/${uid}` },
    fetch: ownFetch,
    renderError: (ctx, out) => { ctx.type = 'html'; ctx.body = pages.errorPage(out); },
    rotateRefreshToken: ({ oidc }) => oidc.client.clientId !== 'cli-static-refresh',
    ttl: {
      AccessToken: (ctx, _token, { clientId }) => (clientId === 'cli-short'
        || (clientId === 'cli-renewed' && ctx.oidc.params?.grant_type !== 'refresh_token') ? 2 : 3600),
      ClientCredentials: () => 600, IdToken: () => 3600, RefreshToken: () => 86400,
      Grant: () => 86400, Session: () => 86400, Interaction: () => 600, DeviceCode: () => 600,
      BackchannelAuthenticationRequest: () => 600,
    },
    extraTokenClaims: () => undefined,
    pairwiseIdentifier: (_ctx, sub) => sub,
    features: {
      devInteractions: { enabled: false },
      claimsParameter: { enabled: true },
      clientCredentials: { enabled: true },
      encryption: { enabled: true },
      introspection: { enabled: true, allowedPolicy: () => true },
      jwtIntrospection: { enabled: true },
      jwtResponseModes: { enabled: true },
      jwtUserinfo: { enabled: true },
      requestObjects: { enabled: true },
      revocation: { enabled: true },
      registration: { enabled: true, initialAccessToken: opt['initial-access-token'] ?? false },
      registrationManagement: { enabled: true, rotateRegistrationAccessToken: true },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (ctx, form) => { ctx.body = pages.logoutPage(form); },
        postLogoutSuccessSource: (ctx) => { ctx.body = pages.messagePage('Signed out', 'You are signed out.'); },
      },
      deviceFlow: {
        enabled: true,
        userCodeInputSource: (ctx, form, _out, err) => { ctx.body = pages.deviceInputPage(form, err); },
        userCodeConfirmSource: (ctx, form, client, _info, code) => { ctx.body = pages.deviceConfirmPage(form, client.clientId, code); },
        successSource: (ctx) => { ctx.body = pages.messagePage('Device signed in', 'You can close this page.'); },
      },
      dPoP: {
        enabled: true,
        nonceSecret: Buffer.alloc(32, 7),
        requireNonce: ({ oidc }) => (oidc.client?.clientId ?? oidc.entities.AccessToken?.clientId) === 'cli-dpop-nonce',
      },
      pushedAuthorizationRequests: { enabled: true, allowUnregisteredRedirectUris: false },
      resourceIndicators: {
        enabled: true,
        defaultResource: (_ctx, _client, oneOf) => oneOf,
        useGrantedResource: () => true,
        getResourceServerInfo(_ctx, resource) {
          if (!apis[resource]) throw new errors.InvalidTarget();
          return { audience: resource, ...apis[resource] };
        },
      },
      richAuthorizationRequests: {
        enabled: true,
        types: {
          payment_initiation: {
            validate(_ctx, detail) {
              if (!detail.instructedAmount) throw new errors.InvalidAuthorizationDetails('instructedAmount is required');
            },
          },
        },
        authorizationDetailsForGrantSource: (ctx) => ctx.oidc.grant.rar,
        authorizationDetailsForAccessToken: (_ctx, _token, source) => source?.rar,
        authorizationDetailsForIntrospection: (_ctx, token) => token.rar,
      },
      fapi: { enabled: true, profile: (_ctx, client) => (client?.clientId.startsWith('cli-fapi2') ? '2.0' : undefined) },
      ciba: {
        enabled: true,
        deliveryModes: ['poll'],
        processLoginHint: (_ctx, hint) => hint,
        processLoginHintToken: () => undefined,
        verifyUserCode: () => undefined,
        validateRequestContext: () => undefined,
        validateBindingMessage: () => undefined,
        triggerAuthenticationDevice: () => undefined,
      },
      mTLS: {
        enabled: hasTls,
        certificateBoundAccessTokens: true, tlsClientAuth: true, selfSignedTlsClientAuth: true,
        getCertificate: ({ socket }) => socket.getPeerX509Certificate?.()?.toString(),
        certificateAuthorized: ({ socket }) => Boolean(socket.authorized),
        certificateSubjectMatches({ socket }, property, expected) {
          const cert = socket.getPeerX509Certificate();
          return property === 'tls_client_auth_subject_dn' ? cert.subject === expected
            : (cert.subjectAltName ?? '').split(', ').some((name) => name.split(':').slice(1).join(':') === expected);
        },
      },
      ...(issuer.startsWith('https:') && {
        clientIdMetadataDocument: { enabled: true, ack: 'draft-02' },
      }),
    },
  };
};

const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';

const readForm = async (req) => {
  let body = '';
  for await (const chunk of req) body += chunk;
  return new URLSearchParams(body);
};
const send = (res, status, body, headers = {}) => {
  const html = typeof body === 'string';
  res.writeHead(status, { 'content-type': html ? 'text/html; charset=utf-8' : 'application/json', 'cache-control': 'no-store', ...headers });
  res.end(html ? body : JSON.stringify(body));
};

const makeApp = (issuer, aliasBase) => {
  const provider = new Provider(issuer, configuration(issuer, aliasBase));
  provider.on('server_error', (_ctx, error) => process.stderr.write(`${error.stack}\n`));
  // Record what the client sent; give device flow and CIBA a short polling interval so that tests stay fast.
  provider.use(async (ctx, next) => {
    await next();
    if (['/device/auth', '/backchannel'].includes(ctx.path) && ctx.status === 200) ctx.body.interval = 1;
    control.requests.push({
      method: ctx.method, path: ctx.path, status: ctx.status, client_id: ctx.oidc?.client?.clientId,
      params: ctx.oidc?.body ?? Object.fromEntries(new URLSearchParams(ctx.querystring)),
      headers: ctx.request.headers, error: ctx.body?.error, error_description: ctx.body?.error_description,
      // The tokens themselves, so that a test can look for them where they must not be.
      issued: ctx.path === '/token' && ctx.status === 200 ? ctx.body : undefined,
    });
  });
  // RFC 8693: the library has the hook for it and leaves the policy to whoever runs it. Here an access token of this
  // server becomes one for its API, on behalf of the same person.
  provider.registerGrantType(TOKEN_EXCHANGE, async (ctx) => {
    const { client, params } = ctx.oidc;
    if (params.subject_token_type !== ACCESS_TOKEN) throw new errors.InvalidRequest('subject_token_type is not supported');
    if (params.requested_token_type && params.requested_token_type !== ACCESS_TOKEN) {
      throw new errors.InvalidRequest('requested_token_type is not supported');
    }
    const subject = await provider.AccessToken.find(params.subject_token);
    if (!subject) throw new errors.InvalidRequest('subject_token is not valid');
    const audience = params.audience ?? `${issuer}/api`;
    if (audience !== `${issuer}/api`) throw new errors.InvalidTarget('audience is unknown');
    const token = new provider.AccessToken({
      accountId: subject.accountId, client, grantId: subject.grantId, gty: 'token_exchange', scope: params.scope ?? 'api:read',
    });
    token.resourceServer = new provider.ResourceServer(audience, { audience, scope: 'api:read api:write', accessTokenFormat: 'jwt' });
    ctx.body = {
      access_token: await token.save(), issued_token_type: ACCESS_TOKEN, token_type: token.tokenType,
      expires_in: token.expiration, scope: token.scope,
    };
  }, ['subject_token', 'subject_token_type', 'actor_token', 'actor_token_type', 'requested_token_type', 'audience', 'scope']);
  const callback = provider.callback();
  const api = makeApi({ issuer, provider, jose, serverKeys, hash: (text) => createHash('sha256').update(text).digest('base64url') });

  const interaction = async (req, res) => {
    const details = await provider.interactionDetails(req, res);
    const { prompt, params, session } = details;
    if (req.method === 'GET') {
      if (prompt.name === 'login') return send(res, 200, pages.loginPage({ hint: params.login_hint }));
      return send(res, 200, pages.consentPage({
        client: params.client_id, scopes: prompt.details.missingOIDCScope ?? [],
        resources: prompt.details.missingResourceScopes ?? {}, details: prompt.details.rar ?? [],
      }));
    }
    const form = await readForm(req);
    const finish = (result) => provider.interactionFinished(req, res, result, { mergeWithLastSubmission: prompt.name !== 'login' });
    const denied = { error: 'access_denied', error_description: 'the user said no' };
    if (prompt.name === 'login') {
      if (form.get('action') === 'cancel') return finish(denied);
      const name = form.get('username');
      if (users[name]?.password !== form.get('password')) return send(res, 401, pages.loginPage({ hint: name, error: 'Wrong user name or password' }));
      return finish({ login: { accountId: name, acr: params.acr_values?.split(' ')[0], amr: ['pwd'] } });
    }
    if (form.get('action') !== 'allow') return finish(denied);
    const grant = details.grantId ? await provider.Grant.find(details.grantId)
      : new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
    if (prompt.details.missingOIDCScope) grant.addOIDCScope(prompt.details.missingOIDCScope.join(' '));
    if (prompt.details.missingOIDCClaims) grant.addOIDCClaims(prompt.details.missingOIDCClaims);
    for (const [resource, scopes] of Object.entries(prompt.details.missingResourceScopes ?? {})) grant.addResourceScope(resource, scopes.join(' '));
    for (const detail of prompt.details.rar ?? []) grant.addRar(detail);
    return finish({ consent: { grantId: await grant.save() } });
  };

  const test = async (req, res, url) => {
    const json = async () => { let body = ''; for await (const chunk of req) body += chunk; return body ? JSON.parse(body) : {}; };
    switch (`${req.method} ${url.pathname}`) {
      case 'GET /_test/requests': return send(res, 200, control.requests);
      case 'DELETE /_test/requests': control.requests.length = 0; return send(res, 200, {});
      case 'POST /_test/fault': control.faults.push({ times: 1, ...await json() }); return send(res, 200, {});
      case 'DELETE /_test/fault': control.faults.length = 0; return send(res, 200, {});
      case 'POST /_test/ciba': {
        const { auth_req_id, approve = true } = await json();
        const request = await provider.BackchannelAuthenticationRequest.find(auth_req_id);
        if (!request) return send(res, 404, { error: 'unknown auth_req_id' });
        if (!approve) { await provider.backchannelResult(request, new errors.AccessDenied('the user said no')); return send(res, 200, {}); }
        const grant = new provider.Grant({ accountId: request.accountId, clientId: request.clientId });
        grant.addOIDCScope(request.scope);
        await grant.save();
        await provider.backchannelResult(request, grant, { acr: 'urn:example:basic' });
        return send(res, 200, {});
      }
      // A client ID metadata document: its URL is a client_id (https issuer only).
      case 'GET /_test/client.json': return send(res, 200, {
        client_id: `${issuer}/_test/client.json`, client_name: 'Described by a document', application_type: 'native',
        redirect_uris: ['http://127.0.0.1/callback', 'http://localhost/callback'], token_endpoint_auth_method: 'none',
        grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'],
      }, { 'cache-control': 'max-age=60' });
      default: return send(res, 404, { error: 'not found' });
    }
  };

  return async (req, res) => {
    const url = new URL(req.url, issuer);
    try {
      const fault = control.faults.find((f) => f.path === url.pathname && f.times > 0);
      if (fault) {
        fault.times -= 1;
        if (fault.delay_ms) await new Promise((done) => { setTimeout(done, fault.delay_ms); });
        if (fault.drop || fault.status) {
          const params = Object.fromEntries(await readForm(req));
          control.requests.push({ method: req.method, path: url.pathname, status: fault.status ?? 0, params, headers: req.headers, fault: true });
        }
        if (fault.drop) return req.socket.destroy();
        if (fault.status) {
          const body = fault.body ?? { error: 'temporarily_unavailable' };
          return send(res, fault.status, body, fault.headers);
        }
      }
      if (url.pathname.startsWith('/interaction/')) return await interaction(req, res);
      if (url.pathname.startsWith('/_test/')) return await test(req, res, url);
      if (await api(req, res, url)) {
        control.requests.push({ method: req.method, path: url.pathname, status: res.statusCode, headers: req.headers });
        return undefined;
      }
      return await callback(req, res);
    } catch (error) {
      process.stderr.write(`${error.stack}\n`);
      if (!res.headersSent) send(res, 400, pages.errorPage({ error: error.name, error_description: error.message }));
      return undefined;
    }
  };
};

// ---------------------------------------------------------------- listen first, so that port 0 works
const listen = (server, wanted) => new Promise((resolve, reject) => {
  server.once('error', reject);
  server.listen(wanted, '127.0.0.1', () => resolve(server.address().port));
});
const started = Date.now();
const plain = http.createServer();
const issuer = `http://127.0.0.1:${await listen(plain, port)}`;
const app = makeApp(issuer);
plain.on('request', app);
const out = { ready: true, issuer };
if (hasTls) {
  const server = { cert: readFileSync(tls.server.cert), key: readFileSync(tls.server.key) };
  const secure = https.createServer(server);
  const mutual = https.createServer({ ...server, ca: readFileSync(tls.ca.cert), requestCert: true, rejectUnauthorized: false });
  const securePort = await listen(secure, port && port + 1);
  const mutualPort = await listen(mutual, port && port + 2);
  out.tls_issuer = `https://localhost:${securePort}`;
  out.mtls_base = `https://localhost:${mutualPort}`;
  const secureApp = makeApp(out.tls_issuer, out.mtls_base);
  secure.on('request', secureApp);
  mutual.on('request', secureApp);
}
const clients = makeClients(clientKeys, { selfSignedCert }).map(({ jwks, ...client }) => client);
Object.assign(out, {
  discovery: `${issuer}/.well-known/openid-configuration`,
  users: Object.fromEntries(Object.entries(users).map(([name, { password }]) => [name, password])),
  clients: Object.fromEntries(clients.map((c) => [c.client_id, {
    secret: c.client_secret, auth: c.token_endpoint_auth_method, grants: c.grant_types,
  }])),
  resources: [`${issuer}/api`, `${issuer}/opaque-api`],
  api_scopes: ['api:read', 'api:write'],
  files: {
    state,
    keys: Object.fromEntries(Object.keys(clientKeys).map((name) => [name, path.join(state, `client-${name}.pem`)])),
    ca: tls.ca.cert, client_cert: tls.client.cert, client_key: tls.client.key, self_cert: tls.self.cert, self_key: tls.self.key,
  },
  pid: process.pid, started_ms: Math.round(performance.now()), listen_ms: Date.now() - started,
});
process.stdout.write(`${JSON.stringify(out)}\n`);
if (opt['exit-with-stdin']) process.stdin.on('end', () => process.exit(0)).resume();
