package salesforce

import (
	"context"
	"net/http"
)

// UserInfo is who is signed in.
type UserInfo struct {
	UserID   string `json:"user_id"`
	OrgID    string `json:"organization_id"`
	Username string `json:"preferred_username"`
	Name     string `json:"name"`
	Email    string `json:"email"`
	Zone     string `json:"zoneinfo"` // IANA name, for the subject line
	Locale   string `json:"locale"`
	Language string `json:"language"`
	Active   bool   `json:"active"`
}

// OrgInfo is the org that the sign-in leads to.
type OrgInfo struct {
	ID      string
	Name    string
	Edition string // OrganizationType
	Sandbox bool
}

// User returns who is signed in; it is asked once per sign-in.
func (c *Client) User(ctx context.Context) (UserInfo, error) {
	if u := c.user.Load(); u != nil {
		return *u, nil
	}
	var u UserInfo
	if _, err := c.do(ctx, call{method: http.MethodGet, path: "/services/oauth2/userinfo", root: true, into: &u}); err != nil {
		return UserInfo{}, err
	}
	c.user.Store(&u)
	return u, nil
}

// Prove asks Salesforce again who is signed in: what User remembers is no proof that the session still lives.
func (c *Client) Prove(ctx context.Context) (UserInfo, error) {
	c.user.Store(nil)
	return c.User(ctx)
}

// Agent returns the user whom this desk's records belong to: who is signed in, or with AsApp the configured agent. Everything
// that writes must name this user as the owner, because Salesforce would take the one whose session it is.
func (c *Client) Agent(ctx context.Context) (UserInfo, error) {
	u, err := c.User(ctx)
	if err != nil || !c.o.AsApp {
		return u, err
	}
	if a := c.agent.Load(); a != nil {
		return *a, nil
	}
	page, err := c.Query(ctx, Select("Id", "Username", "Name", "Email", "TimeZoneSidKey", "LocaleSidKey", "LanguageLocaleKey", "IsActive").From("User").
		Where(Eq("Username", String(c.o.Agent))).Limit(1))
	if err != nil {
		return UserInfo{}, err
	}
	if c.o.Agent == "" || len(page.Records) == 0 || !page.Records[0].Bool("IsActive") {
		return UserInfo{}, &AuthError{Code: "no_such_agent", Description: c.o.Agent, Status: http.StatusBadRequest, Grant: GrantClient}
	}
	r := page.Records[0]
	a := UserInfo{
		UserID: r.ID(), OrgID: u.OrgID, Username: r.Str("Username"), Name: r.Str("Name"), Email: r.Str("Email"), Zone: r.Str("TimeZoneSidKey"),
		Locale: r.Str("LocaleSidKey"), Language: r.Str("LanguageLocaleKey"), Active: true,
	}
	c.agent.Store(&a)
	return a, nil
}

// Org returns the org's name and kind, or what the address tells when this user may not read it.
func (c *Client) Org(ctx context.Context) (OrgInfo, error) {
	page, err := c.Query(ctx, Select("Id", "Name", "IsSandbox", "OrganizationType").From("Organization").Limit(1))
	if err != nil {
		return OrgInfo{}, err
	}
	o := OrgInfo{ID: c.session.peek().OrgID()}
	if len(page.Records) > 0 {
		r := page.Records[0]
		o = OrgInfo{ID: r.ID(), Name: r.Str("Name"), Edition: r.Str("OrganizationType"), Sandbox: r.Bool("IsSandbox")}
	}
	return o, nil
}

// SignIn returns what can be shown of the sign-in: scopes, addresses, when the present token was issued. The secrets are not in it.
func (c *Client) SignIn(ctx context.Context) (Token, error) {
	t, err := c.session.stored(ctx)
	if err != nil {
		return Token{}, err
	}
	t.Access, t.Refresh, t.Signature = "", "", "" // what can be shown
	return t, nil
}
