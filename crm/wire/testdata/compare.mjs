// The operations of compare_test.go, done by jsforce: node compare.mjs PLAN.json. Before each operation the server is told its
// name, so that every request can be told whose it is.
import crypto from 'node:crypto';
import fs from 'node:fs';
import { createRequire } from 'node:module';
const require = createRequire(process.env.OFFHOOK_SALESFORCE_CLIENTS + '/'); // the packages live elsewhere
const jsforce = require('jsforce');
const plan = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));

async function step(name, f) {
  await fetch(`${plan.url}/_step/${name}`);
  try {
    return await f();
  } catch (e) {
    console.error(`${name}: ${e.errorCode ?? e.name}: ${e.message}`);
    process.exit(1);
  }
}

const part = (v) => Buffer.from(typeof v === 'string' ? v : JSON.stringify(v)).toString('base64url');
const signed = `${part({ alg: 'RS256' })}.${part({ iss: plan.clientId, sub: plan.username, aud: plan.url, exp: Math.floor(Date.now() / 1000) + 180 })}`;
const assertion = `${signed}.${crypto.createSign('RSA-SHA256').update(signed).sign(fs.readFileSync(plan.keyFile), 'base64url')}`;

const oauth2 = new jsforce.OAuth2({ loginUrl: plan.url, clientId: plan.clientId, redirectUri: 'http://localhost:1717/OauthRedirect' });
const conn = new jsforce.Connection({ oauth2, instanceUrl: plan.url, version: plan.version });
await step('login', () => conn.authorize({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion }));
const app = new jsforce.OAuth2({ loginUrl: plan.url, clientId: plan.clientId, redirectUri: 'http://localhost:1717/OauthRedirect', useVerifier: true });
await step('code', async () => {
  const page = await fetch(app.getAuthorizationUrl({ scope: plan.scope, state: 'x' }), { redirect: 'manual' });
  await app.requestToken(new URL(page.headers.get('location')).searchParams.get('code'), { code_verifier: app.codeVerifier });
});
await step('refresh', () => oauth2.refreshToken(plan.refresh));
const secretive = new jsforce.OAuth2({ loginUrl: plan.url, clientId: plan.clientId, clientSecret: plan.secret, redirectUri: 'http://localhost:1717/OauthRedirect' });
await step('credentials', () => secretive.requestToken({ grant_type: 'client_credentials' }));
await step('who', () => new jsforce.Connection({ instanceUrl: plan.url, version: plan.version, accessToken: conn.accessToken }).identity());
await step('versions', () => conn.request('/services/data'));
await step('query', () => conn.query(plan.soql));
await step('query built', () => conn.sobject('Contact').find(plan.where, plan.fields).limit(5).execute());
await step('query more', () => conn.queryMore(plan.next));
await step('search', () => conn.search(plan.sosl));
await step('describe global', () => conn.describeGlobal());
await step('describe', () => conn.sobject('Task').describe());
await step('compact layout', () => conn.sobject('Contact').compactLayouts());
await step('create anyway', () => conn.sobject('Contact').create(plan.person, { headers: { 'Sforce-Duplicate-Rule-Header': plan.rule } }));
const id = (await step('create', () => conn.sobject('Task').create(plan.task))).id;
await step('retrieve', () => conn.sobject('Task').retrieve(id));
await step('retrieve some', () => conn.sobject('Task').retrieve(id, { fields: ['Id', 'Subject'] }));
await step('update unchanged', () => conn.sobject('Task').update({ Id: id, ...plan.change }, { headers: { 'If-Unmodified-Since': plan.since } }));
await step('update', () => conn.sobject('Task').update({ Id: id, ...plan.change }));
await step('upsert', () => conn.sobject('Task').upsert({ [plan.keyField]: plan.key, ...plan.task }, plan.keyField));
await step('upsert again', () => conn.sobject('Task').upsert({ [plan.keyField]: plan.key, ...plan.change }, plan.keyField));
await step('composite', () => conn.requestPost('/composite', plan.composite));
await step('file', () => conn.sobject('ContentVersion').create({
  Title: 'A call', PathOnClient: 'call.wav', FirstPublishLocationId: id, VersionData: Buffer.from('RIFF').toString('base64'),
}));
await step('delete', () => conn.sobject('Task').destroy(id));
const tasks = conn.sobject('Task');
const ids = (await step('collection create', () => tasks.create(plan.rows))).map((r) => r.id);
await step('collection retrieve', () => tasks.retrieve(ids, { fields: ['Id', 'Subject'] }));
await step('collection update', () => tasks.update(ids.map((Id) => ({ Id, Description: 'amended' }))));
await step('collection upsert', () => tasks.upsert(plan.keyed, plan.keyField));
await step('collection delete', () => tasks.destroy(ids));
await step('limits', () => conn.limits());
await step('recent', () => conn.recent(5));
await step('sign out', () => conn.logout());
