package emulator

import (
	"net/http"
	"strings"
	"time"
)

// Credentials are every way to sign in to this practice org as its agent.
type Credentials struct {
	URL          string `json:"url"`
	Username     string `json:"username"`
	Password     string `json:"password"`
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
	AccessToken  string `json:"access_token"`
}

// Credentials returns them, with an access token that is valid now. URL is empty before Start. The private key for
// the JWT bearer flow is KeyPEM's.
func (s *Server) Credentials() Credentials {
	s.mu.Lock()
	defer s.mu.Unlock()
	if sess := s.auth.tokens[s.ready]; sess == nil || s.clock().Sub(sess.issued) > s.timeout/2 {
		s.ready, _ = s.open(s.userNamed(AgentUsername).id, ClientID, "api")
	}
	return Credentials{URL: s.url, Username: AgentUsername, Password: Password, ClientID: ClientID, ClientSecret: ClientSecret,
		AccessToken: s.ready}
}

// welcome answers GET / with a sign-in for other people's clients, in the words of their options.
func (s *Server) welcome(base string) *reply {
	token, _ := s.open(s.userNamed(AgentUsername).id, ClientID, "api")
	refresh := s.newRefresh(&session{user: s.userNamed(AgentUsername).id, client: ClientID, scope: "api refresh_token"})
	return ok(map[string]any{"practice": "offhook emulator", "instanceUrl": base, "accessToken": token, "refreshToken": refresh,
		"username": AgentUsername, "password": Password, "soap": true, "clientId": ClientID, "clientSecret": ClientSecret, "version": "66.0"})
}

func (s *Server) org() *record {
	return s.store.first("Organization", nil, func(*record) bool { return true })
}

// userNamed finds a user by Username, which Salesforce compares without case.
func (s *Server) userNamed(username string) *record {
	return s.store.first("User", is(s.store.schema.object("User"), "Username", username), func(u *record) bool { return strings.EqualFold(u.str("Username"), username) })
}

func (s *Server) userURLs(user, base string) map[string]any {
	urls := map[string]any{"profile": base + "/" + user, "custom_domain": base}
	for name, path := range map[string]string{"rest": "", "sobjects": "sobjects/", "search": "search/", "query": "query/", "recent": "recent/"} {
		urls[name] = base + "/services/data/v{version}/" + path
	}
	return urls
}

// userInfo is the OpenID userinfo reply; zoneinfo drives the time zone of a Task's subject line.
func (s *Server) userInfo(user, base string) map[string]any {
	u := s.store.live(user)
	_, offset := s.clock().In(s.store.timeZone(user)).Zone()
	photo := base + "/profilephoto/005/F"
	return map[string]any{
		"sub": base + "/id/" + s.org().id + "/" + user, "user_id": user, "organization_id": s.org().id,
		"preferred_username": u.str("Username"), "nickname": u.str("Alias"), "name": u.str("Name"), "email": u.str("Email"), "email_verified": true,
		"given_name": u.str("FirstName"), "family_name": u.str("LastName"), "zoneinfo": u.str("TimeZoneSidKey"),
		"photos": map[string]any{"picture": photo, "thumbnail": photo}, "profile": base + "/" + user, "picture": photo,
		"is_salesforce_integration_user": false, "active": u.bool("IsActive"), "user_type": "STANDARD", "language": u.str("LanguageLocaleKey"),
		"locale": u.str("LocaleSidKey"), "utcOffset": offset * 1000, "updated_at": identityTime(u.str("LastModifiedDate")), "urls": s.userURLs(user, base),
	}
}

func identityTime(s string) string {
	t, _ := parseMoment(s)
	return t.Format(time.RFC3339)
}

// identity is GET /id/<org>/<user>, the URL in every token reply.
func (s *Server) identity(r *http.Request, path, base string) *reply {
	sess, err := s.session(r)
	if err != nil {
		if sess, err = s.sessionOf(r.URL.Query().Get("oauth_token")); err != nil {
			return &reply{status: http.StatusForbidden, body: text{"text/html;charset=UTF-8", "Missing_OAuth_Token"}}
		}
	}
	parts := strings.Split(strings.TrimPrefix(path, "/id/"), "/")
	if len(parts) != 2 {
		return errorReply(errNotFound())
	}
	org, okOrg := canonicalID(parts[0])
	user, okUser := canonicalID(parts[1])
	if !okOrg || !okUser || org != s.org().id[:15] || s.store.live(user) == nil {
		return errorReply(errNotFound())
	}
	if user != sess.user[:15] {
		return &reply{status: http.StatusForbidden, body: text{"text/html;charset=UTF-8", "Wrong_Id"}}
	}
	info := s.userInfo(sess.user, base)
	u := s.store.live(user)
	return ok(map[string]any{
		"id": info["sub"], "asserted_user": true, "user_id": info["user_id"], "organization_id": info["organization_id"],
		"username": info["preferred_username"], "nick_name": info["nickname"], "display_name": info["name"], "email": info["email"],
		"email_verified": true, "first_name": info["given_name"], "last_name": info["family_name"], "timezone": info["zoneinfo"],
		"photos": info["photos"], "addr_street": nil, "addr_city": nil, "addr_state": nil, "addr_country": nil, "addr_zip": nil,
		"mobile_phone": u.fields["MobilePhone"], "mobile_phone_verified": false, "is_lightning_login_user": false,
		"status": map[string]any{"created_date": nil, "body": nil}, "urls": info["urls"], "active": info["active"], "user_type": info["user_type"],
		"language": info["language"], "locale": info["locale"], "utcOffset": info["utcOffset"], "last_modified_date": info["updated_at"],
		"is_app_installed": true,
	})
}
