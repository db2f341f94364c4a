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
