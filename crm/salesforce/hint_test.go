package salesforce

import (
	"strings"
	"testing"
)

func TestEachKnownOAuthFailureHasOneLineThatHelps(t *testing.T) {
	for _, tt := range []struct{ grant, body, say string }{
		{GrantCode, `{"error":"OAUTH_APPROVAL_ERROR_GENERIC","error_description":"An unexpected error has occured during authentication. Please try again."}`, "Approve Uninstalled Connected Apps"},
		{GrantCode, `error=invalid_client&error_description=app+must+be+installed+into+org`, "not installed in this org"},
		{GrantCode, `error=redirect_uri_mismatch&error_description=redirect_uri+must+match+configuration`, "http://localhost:1717/OauthRedirect"},
		{GrantCode, `error=invalid_request&error_description=missing+required+code+challenge`, "PKCE"},
		{GrantCode, `{"error":"invalid_grant","error_description":"invalid code verifier"}`, "PKCE"},
		{GrantCode, `{"error":"invalid_client_id","error_description":"client identifier invalid"}`, "check salesforce.client_id"},
		{GrantCode, `{"error":"invalid_client","error_description":"invalid client credentials"}`, "salesforce.client_secret_command"},
		{GrantClient, `{"error":"invalid_client","error_description":"invalid client credentials"}`, "Consumer Secret"},
		{GrantRefresh, `{"error":"invalid_grant","error_description":"expired access/refresh token"}`, "expired or was revoked"},
		{GrantRefresh, `{"error":"invalid_grant","error_description":"token validity expired"}`, "expired or was revoked"},
		{GrantCode, `{"error":"invalid_grant","error_description":"expired authorization code"}`, "15 minutes"},
		{GrantJWT, `{"error":"invalid_grant","error_description":"user hasn't approved this consumer"}`, "pre-authorized"},
		{GrantJWT, `{"error":"invalid_grant","error_description":"user hasn’t approved this consumer"}`, "pre-authorized"},
		{GrantJWT, `{"error":"invalid_app_access","error_description":"user is not admin approved to access this app"}`, "app's policies"},
		{GrantJWT, `{"error":"invalid_grant","error_description":"audience is invalid"}`, "another host"},
		{GrantJWT, `{"error":"invalid_grant","error_description":"invalid assertion"}`, "certificate of salesforce.key_file"},
		{GrantJWT, `{"error":"invalid_grant","error_description":"expired authorization code"}`, "clock"},
		{GrantJWT, `{"error":"inactive_user","error_description":"user is inactive"}`, "activate or unfreeze"},
		{GrantRefresh, `{"error":"invalid_grant","error_description":"inactive user"}`, "activate or unfreeze"},
		{GrantRefresh, `{"error":"inactive_org","error_description":"organization is inactive"}`, "locked, closed or suspended"},
		{GrantJWT, `{"error":"invalid_grant","error_description":"ip restricted or invalid login hours"}`, "Login IP Ranges"},
		{GrantCode, `{"error":"LOGIN_MUST_USE_SECURITY_TOKEN","error_description":"Invalid username, password, security token; or user locked out."}`, "Network Access"},
		{GrantDevice, `{"error":"invalid_grant","error_description":"device flow is not enabled for the app"}`, "Enable Device Flow"},
		{GrantClient, `{"error":"invalid_grant","error_description":"request not supported on this domain"}`, "My Domain"},
		{GrantClient, `{"error":"invalid_grant","error_description":"no client credentials user enabled"}`, "Run As"},
		{GrantClient, `{"error":"unsupported_grant_type","error_description":"grant type not supported"}`, "enable the flow"},
		{GrantCode, `error=access_denied&error_description=end-user+denied+authorization`, "choose Allow"},
		{GrantCode, `error=invalid_scope&error_description=the+requested+scope+is+not+allowed`, "scopes api"},
		{GrantRefresh, `{"error":"rate_limit_exceeded","error_description":"number of logins exceeded"}`, "too often"},
		{GrantCode, `{"error":"OAUTH_EC_APP_NOT_FOUND","error_description":"x"}`, "External Client App"},
	} {
		err := parseAuthError(400, []byte(tt.body))
		err.Grant = tt.grant
		h, known := HintFor(err)
		desk, login := Line(err), SignInLine(err)
		if !known || !strings.Contains(login, tt.say) || !strings.Contains(desk, tt.say) {
			t.Errorf("%s (%s):\n%s\n%s", tt.body, tt.grant, desk, login)
		}
		if strings.ContainsAny(desk+login, "\n\r\x1b") || strings.Contains(login, "run offhook login") || !strings.Contains(login, err.Code) || h.What == "" || h.Do == "" {
			t.Errorf("%q", login)
		}
		if KindOf(err) == KindAuth && !strings.Contains(desk, "call records wait safely on disk") {
			t.Errorf("the desk does not say what becomes of records: %q", desk)
		}
	}
}

func TestAnAddressThatIsNoSignInServerIsToldAsThat(t *testing.T) {
	for status, body := range map[int]string{302: "", 301: "<html>moved</html>", 404: "<html><title>URL No Longer Exists</title></html>", 405: ""} {
		err := parseAuthError(status, []byte(body))
		if line := SignInLine(err); !strings.Contains(line, "check salesforce.login_url") {
			t.Errorf("%d: %q", status, line)
		}
	}
}

func TestEveryRowOfTheHintsCanBeReached(t *testing.T) {
	for i, h := range Hints() {
		code, said := "", ""
		if len(h.Codes) > 0 {
			code = h.Codes[0]
		}
		if len(h.Says) > 0 {
			said = h.Says[0]
		}
		got, ok := findHint(code, said, h.Grant)
		if !ok || got.What != h.What || got.Do != h.Do || said != strings.ToLower(said) {
			t.Errorf("row %d (%s) is hidden by %q", i, h.What, got.What)
		}
	}
}
