package emulator

import (
	"bytes"
	"html/template"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// registered tells whether a redirect is a callback URL of the app. Without a list the app has every loopback address: any port of
// this machine, any path.
func (s *Server) registered(redirect string) bool {
	if len(s.settings.Redirects) > 0 {
		return slices.Contains(s.settings.Redirects, redirect)
	}
	u, err := url.Parse(redirect)
	if err != nil || u.Scheme != "http" || u.Fragment != "" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

// appRefused is the answer of an org whose admin does not let the app in, nil when it may.
func (s *Server) appRefused() *reply {
	switch s.settings.App {
	case AppNotInstalled:
		return oauthError(http.StatusBadRequest, "invalid_client", "app must be installed into org")
	case AppBlocked:
		return oauthError(http.StatusBadRequest, "OAUTH_APP_BLOCKED", "this app is blocked by admin")
	}
	return nil
}

// approved tells whether a user has approved the app, by an admin's word or by signing in.
func (s *Server) approved(user *record) bool {
	name := strings.ToLower(user.str("Username"))
	return s.auth.approvals[name] || !slices.ContainsFunc(s.settings.Unapproved, func(u string) bool { return strings.EqualFold(u, name) })
}

// shown is an OAuth error on a page: before the redirect is trusted nothing may be sent there.
func shown(code, description string) *reply {
	return &reply{status: http.StatusBadRequest, body: text{"text/plain;charset=UTF-8", "error=" + code + "&error_description=" + url.PathEscape(description)}}
}

// authorize is the approval page. It approves by itself, or asks a person when the org has its consent page on or the client says
// prompt=consent.
func (s *Server) authorize(method string, form url.Values) *reply {
	redirect := form.Get("redirect_uri")
	if !knownClient(form.Get("client_id")) {
		return shown("invalid_client_id", "client identifier invalid")
	}
	if !s.registered(redirect) {
		return shown("redirect_uri_mismatch", "redirect_uri must match configuration")
	}
	back := func(values url.Values) *reply {
		if state := form.Get("state"); state != "" {
			values.Set("state", state)
		}
		u, err := url.Parse(redirect)
		if err != nil {
			return shown("redirect_uri_mismatch", "redirect_uri must match configuration")
		}
		q := u.Query()
		for k := range values {
			q.Set(k, values.Get(k))
		}
		u.RawQuery = q.Encode()
		return &reply{status: http.StatusFound, header: http.Header{"Location": {u.String()}, "Cache-Control": {"no-store"}}}
	}
	sendBack := func(code, description string) *reply {
		return back(url.Values{"error": {code}, "error_description": {description}})
	}
	switch {
	case form.Get("response_type") != "code":
		return sendBack("unsupported_response_type", "response type not supported")
	case form.Get("code_challenge_method") != "" && form.Get("code_challenge_method") != "S256":
		return sendBack("invalid_request", "code challenge method must be S256")
	}
	switch s.settings.App {
	case AppNotInstalled:
		return sendBack("OAUTH_APPROVAL_ERROR_GENERIC", "An unexpected error has occured during authentication. Please try again.")
	case AppBlocked:
		return sendBack("OAUTH_APP_BLOCKED", "this app is blocked by admin")
	}
	name := AgentUsername
	if hint := form.Get("login_hint"); hint != "" {
		name = hint
	}
	if s.settings.ConsentPage || strings.Contains(form.Get("prompt"), "consent") {
		switch decision := form.Get("decision"); {
		case method != http.MethodPost || decision == "":
			return s.consent(form, name)
		case decision != "allow":
			return sendBack("access_denied", "end-user denied authorization")
		}
		if given := form.Get("username"); given != "" {
			name = given
		}
	}
	user := s.userNamed(name)
	if user == nil || !user.bool("IsActive") {
		return sendBack("access_denied", "end-user denied authorization")
	}
	s.auth.approvals[strings.ToLower(user.str("Username"))] = true
	now := s.clock()
	for code, g := range s.auth.codes {
		if now.Sub(g.issued) > 2*codeLife { // a spent code is remembered for a while: used again, it ends its sessions
			delete(s.auth.codes, code)
		}
	}
	code := "aPrx" + secret(40)
	s.auth.codes[code] = &grant{user: user.id, client: form.Get("client_id"), redirect: redirect, scope: form.Get("scope"),
		challenge: form.Get("code_challenge"), nonce: form.Get("nonce"), issued: now}
	return back(url.Values{"code": {code}})
}

var page = template.Must(template.New("page").Parse(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{{.Title}}</title>
<style>body{font:16px sans-serif;max-width:32em;margin:4em auto}button{font:inherit;margin-right:1em}</style></head><body>
<h1>{{.Title}}</h1><p>{{.Text}}</p>{{if .Action}}<form method="post" action="{{.Action}}">
{{range $k, $v := .Hidden}}<input type="hidden" name="{{$k}}" value="{{$v}}">
{{end}}{{range .Fields}}<p><label>{{.Label}} <input name="{{.Name}}" value="{{.Value}}"></label></p>
{{end}}<button name="decision" value="allow">Allow</button><button name="decision" value="deny">Deny</button></form>{{end}}
</body></html>
`))

type pageField struct{ Label, Name, Value string }

type pageData struct {
	Title, Text, Action string
	Hidden              map[string]string
	Fields              []pageField
}

// showPage renders a page of the org, with the form that a person answers when Action is given.
func showPage(data pageData) *reply {
	var b bytes.Buffer
	if err := page.Execute(&b, data); err != nil {
		return errorReply(err)
	}
	return &reply{status: http.StatusOK, header: http.Header{"Cache-Control": {"no-store"}, "Content-Security-Policy": {"default-src 'none'; style-src 'unsafe-inline'"}},
		body: text{"text/html;charset=UTF-8", b.String()}}
}

// consent asks whether the app may come in.
func (s *Server) consent(form url.Values, name string) *reply {
	hidden := make(map[string]string)
	for k := range form {
		if k != "decision" && k != "username" {
			hidden[k] = form.Get(k)
		}
	}
	return showPage(pageData{Title: "Allow access?", Text: "offhook asks to work in " + s.org().str("Name") + " with your rights: " + form.Get("scope"),
		Action: "/services/oauth2/authorize", Hidden: hidden, Fields: []pageField{{"Sign in as", "username", name}}})
}
