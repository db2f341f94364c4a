package salesforce

import (
	"errors"
	"strings"
)

// The grants of the sign-in, as an AuthError names the one that was refused.
const (
	GrantCode    = "code"    // authorization code with PKCE
	GrantRefresh = "refresh" // refresh token
	GrantJWT     = "jwt"     // JWT bearer
	GrantClient  = "client"  // client credentials
	GrantDevice  = "device"  // Salesforce's own device flow
)

// Hint is one known failure of signing in, or of using the API at all, in a person's words. A complaint fits when its code, a
// part of its text and its grant fit; what is empty fits all. The table is read from the top: the first that fits.
type Hint struct {
	Codes []string // OAuth error or errorCode
	Says  []string // parts of the description, lower case
	Grant string   // the grant that was refused
	What  string   // what happened, one clause
	Do    string   // what to do about it
}

// Hints returns the table; docs/troubleshooting.md is made from it. The codes and texts are Salesforce's, from its pages on OAuth
// errors and from public reports.
func Hints() []Hint {
	return []Hint{
		// The app and the org.
		{Codes: []string{"OAUTH_APPROVAL_ERROR_GENERIC", "OAUTH_APP_BLOCKED", "OAUTH_APP_ACCESS_DENIED"},
			What: "Salesforce blocks the app",
			Do:   "an administrator must install it, or grant this user \"Approve Uninstalled Connected Apps\""},
		{Says: []string{"app must be installed into org", "app is not installed"},
			What: "Salesforce blocks the app, because it is not installed in this org",
			Do:   "an administrator must install it, or grant this user \"Approve Uninstalled Connected Apps\"; check also that salesforce.login_url is the org that has the app"},
		{Codes: []string{"OAUTH_EC_APP_NOT_FOUND", "OAUTH_AUTHORIZATION_BLOCKED"},
			What: "this org does not have the app",
			Do:   "set salesforce.login_url to the My Domain of the org in which the External Client App was made"},
		{Codes: []string{"invalid_app_access"},
			What: "the user is not approved for the app",
			Do:   "an administrator must add the user's profile or permission set in the app's policies"},
		{Says: []string{"user is not admin approved"},
			What: "the user is not approved for the app",
			Do:   "an administrator must add the user's profile or permission set in the app's policies"},
		{Codes: []string{"invalid_client_id"},
			What: "Salesforce does not know this client id",
			Do:   "check salesforce.client_id, and that salesforce.login_url is the org that has the app; a new app works after about ten minutes"},
		{Codes: []string{"redirect_uri_mismatch", "redirect_uri_missing"},
			What: "the app does not list offhook's callback address",
			Do:   "an administrator must add http://localhost:1717/OauthRedirect, and the same with 17170 and 27170, to the app's callback URLs, exactly so"},
		{Says: []string{"code challenge", "code verifier"},
			What: "Salesforce refused the proof key (PKCE)",
			Do:   "sign in again from the beginning with the newest address on the screen; when it happens again, switch on \"Require PKCE\" in the app"},
		{Codes: []string{"invalid_client", "invalid_client_credentials"}, Grant: GrantClient,
			What: "the secret of the app is wrong",
			Do:   "check what salesforce.client_secret_command prints against the app's Consumer Secret"},
		{Codes: []string{"invalid_client", "invalid_client_credentials"},
			What: "the app insists on a secret, or the secret is wrong",
			Do:   "switch off \"Require secret\" for the web server and refresh token flows in the app, or set salesforce.client_secret_command"},
		{Codes: []string{"invalid_scope"},
			What: "the app does not allow what offhook asks for",
			Do:   "an administrator must add the scopes api, refresh_token, openid and id to the app"},

		// One flow or the other.
		{Says: []string{"device flow is not enabled"},
			What: "the app does not allow the device flow",
			Do:   "an administrator must switch on \"Enable Device Flow\" in the app, or set salesforce.flow to pkce"},
		{Codes: []string{"unsupported_grant_type", "unsupported_response_type", "invalid_request"}, Grant: GrantDevice,
			What: "the app does not allow the device flow",
			Do:   "an administrator must switch on \"Enable Device Flow\" in the app, or set salesforce.flow to pkce"},
		{Codes: []string{"expired_token"}, Grant: GrantDevice,
			What: "the code was not entered in time",
			Do:   "run offhook login again and enter the new code within ten minutes"},
		{Codes: []string{"invalid_grant"}, Grant: GrantDevice,
			What: "the code is not valid any more",
			Do:   "run offhook login again, with no second sign-in beside it"},
		{Says: []string{"request not supported on this domain"},
			What: "this flow works at the org's own address only",
			Do:   "set salesforce.login_url to your My Domain, as https://mycompany.my.salesforce.com"},
		{Says: []string{"no client credentials user enabled"},
			What: "the app has no user for the client credentials flow",
			Do:   "an administrator must switch on the flow and set a Run As user in the app's policies"},
		{Codes: []string{"unsupported_grant_type"},
			What: "the app does not allow this way of signing in",
			Do:   "an administrator must enable the flow of salesforce.flow in the app; check also that login_url begins with https"},

		// The user.
		{Says: []string{"user hasn't approved this consumer"},
			What: "the user may not use the app without asking",
			Do:   "check salesforce.username; an administrator must set the app's policy to \"Admin approved users are pre-authorized\" and add the user's profile or permission set"},
		{Codes: []string{"inactive_user"},
			What: "the Salesforce user is not active",
			Do:   "an administrator must activate or unfreeze the user"},
		{Says: []string{"inactive user", "user is inactive"},
			What: "the Salesforce user is not active",
			Do:   "an administrator must activate or unfreeze the user"},
		{Codes: []string{"inactive_org"},
			What: "the Salesforce org is locked, closed or suspended",
			Do:   "ask whoever holds the contract with Salesforce"},
		{Says: []string{"ip restricted", "invalid login hours"},
			What: "this user may not sign in from this network or at this hour",
			Do:   "an administrator must widen the profile's Login IP Ranges or Login Hours, or relax IP restrictions in the app's policies"},
		{Codes: []string{"LOGIN_MUST_USE_SECURITY_TOKEN"},
			What: "Salesforce wants a security token from this network",
			Do:   "an administrator must add this network to Network Access (trusted IP ranges)"},
		{Codes: []string{"rate_limit_exceeded", "LOGIN_RATE_EXCEEDED"},
			What: "this user signed in too often within an hour",
			Do:   "wait; offhook tries again by itself. Look for another program that signs in as the same user"},
		{Says: []string{"login rate exceeded", "number of logins exceeded"},
			What: "this user signed in too often within an hour",
			Do:   "wait; offhook tries again by itself. Look for another program that signs in as the same user"},
		{Codes: []string{"access_denied"},
			What: "the access was not allowed in the browser",
			Do:   "sign in again and choose Allow; when nobody asked, an administrator's policy denies it"},
		{Codes: []string{"no_such_agent"},
			What: "salesforce.username names no active user of this org",
			Do:   "set it to the agent whom the call records belong to"},
		{Says: []string{"authentication failure"},
			What: "Salesforce does not accept this user",
			Do:   "look at the user's Login History in Setup: it says why"},

		// What was sent.
		{Says: []string{"expired access/refresh token", "inactive refresh token", "token validity expired"},
			What: "the sign-in has expired or was revoked",
			Do:   "run offhook login"},
		{Says: []string{"expired authorization code", "invalid authorization code"}, Grant: GrantCode,
			What: "the code was used already, or is older than 15 minutes",
			Do:   "sign in again from the beginning"},
		{Says: []string{"audience"}, Grant: GrantJWT,
			What: "the key's sign-in was made out to another host",
			Do:   "set salesforce.login_url to https://login.salesforce.com, https://test.salesforce.com for a sandbox, or the org's My Domain"},
		{Says: []string{"expired authorization code", "expired assertion"}, Grant: GrantJWT,
			What: "the key's sign-in came too late",
			Do:   "set the clock of this machine right: more than three minutes are wrong"},
		{Codes: []string{"invalid_grant"}, Grant: GrantJWT,
			What: "Salesforce does not accept the key",
			Do:   "check salesforce.username, that the app knows the certificate of salesforce.key_file, and that an administrator has pre-authorised the user"},
		{Codes: []string{"invalid_grant"}, Grant: GrantRefresh,
			What: "the sign-in has expired or was revoked",
			Do:   "run offhook login"},

		// The address.
		{Codes: []string{"HTTP 301", "HTTP 302", "HTTP 303", "HTTP 307", "HTTP 308", "HTTP 404", "HTTP 405", "bad_reply", "URL_NOT_RESET"},
			What: "no sign-in server answers there",
			Do:   "check salesforce.login_url: login.salesforce.com, test.salesforce.com for a sandbox, or your My Domain as https://mycompany.my.salesforce.com (not lightning.force.com)"},

		// The API itself.
		{Codes: []string{"API_DISABLED_FOR_ORG", "API_CURRENTLY_DISABLED"},
			What: "the API is switched off for this user or org",
			Do:   "an administrator must give the user's profile \"API Enabled\" (and the org an edition that has the API)"},
		{Says: []string{"this session is not valid for use with the rest api"},
			What: "this session may not use the REST API",
			Do:   "ask your administrator for the scope api in the app and \"API Enabled\" in the profile, then run offhook login"},
		{Says: []string{"connected app is not attached to agent"},
			What: "this session belongs to an agent without an app",
			Do:   "ask your administrator to attach the app, or sign in as a person, then run offhook login"},
	}
}

// HintFor returns the known failure that an error is; false for others.
func HintFor(err error) (Hint, bool) {
	var auth *AuthError
	var api *APIError
	switch {
	case errors.As(err, &auth):
		return findHint(auth.Code, auth.Description, auth.Grant)
	case errors.As(err, &api):
		for _, it := range api.All {
			if h, ok := findHint(it.Code, it.Message, ""); ok && apiHint(h, api) {
				return h, true
			}
		}
	}
	return Hint{}, false
}

// apiHint keeps a table row about signing in away from a data request that happens to use its words, as a validation rule might.
func apiHint(h Hint, e *APIError) bool {
	return e.Status == 401 || len(h.Codes) > 0 && strings.HasPrefix(h.Codes[0], "API_")
}

func findHint(code, said, grant string) (Hint, bool) {
	said = strings.ToLower(strings.ReplaceAll(said, "’", "'"))
	for _, h := range Hints() {
		if h.fits(code, said, grant) {
			return h, true
		}
	}
	return Hint{}, false
}

func (h Hint) fits(code, said, grant string) bool {
	if h.Grant != "" && h.Grant != grant {
		return false
	}
	fits := len(h.Codes) == 0
	for _, c := range h.Codes {
		fits = fits || strings.EqualFold(c, code)
	}
	if !fits {
		return false
	}
	fits = len(h.Says) == 0
	for _, s := range h.Says {
		fits = fits || strings.Contains(said, s)
	}
	return fits
}

// Line is the hint as one line: what happened, and what to do.
func (h Hint) Line() string { return h.What + ": " + h.Do }

// SignInLine says why a sign-in failed, to somebody who is signing in at this moment: "run offhook login" helps nobody there,
// and what Salesforce said itself stands in it for whoever is asked.
func SignInLine(err error) string {
	var auth *AuthError
	if !errors.As(err, &auth) {
		if KindOf(err) == KindTransient { // nobody tries this one again by itself
			return "Salesforce is busy or cannot be reached, so nobody is signed in: check the network and salesforce.login_url, then try again"
		}
		if KindOf(err) == KindUnknown { // it never came to Salesforce: a file, a command, a setting
			return err.Error()
		}
		return Line(err)
	}
	why := strings.TrimSpace(auth.Code + " " + auth.Description)
	h, ok := HintFor(err)
	switch {
	case ok:
		return h.What + " (" + why + "): " + strings.Replace(h.Do, "run offhook login", "sign in again", 1)
	case KindOf(err) == KindTransient:
		return joinLine("Salesforce's sign-in is down", why, "nobody is signed in; try again in a few minutes")
	}
	return joinLine("Salesforce refused the sign-in", why, "try again, or ask your administrator")
}
