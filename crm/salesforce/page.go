package salesforce

import (
	"context"
	"net/url"
	"strings"
)

// PageURL returns the address of a page of the org in the browser: folder is "/apex/" for a Visualforce page and "/flow/" for a
// flow. It is "" before the first sign-in. The name comes from a layout and cannot lead out of the folder; args become its query,
// with spaces as %20.
func (c *Client) PageURL(folder, name string, args map[string]string) string {
	base := c.InstanceURL()
	name = strings.TrimPrefix(name, strings.TrimPrefix(folder, "/")) // some layouts say apex/Page
	if base == "" || name == "" || name == "." || name == ".." {
		return ""
	}
	query := url.Values{}
	for k, v := range args {
		query.Set(k, v)
	}
	out := base + folder + url.PathEscape(name)
	if len(query) > 0 {
		out += "?" + strings.ReplaceAll(query.Encode(), "+", "%20")
	}
	return out
}

// KeptInstance returns the address of the org as the kept sign-in has it; nothing is sent. ErrNoToken: nobody is signed in.
func (c *Client) KeptInstance(ctx context.Context) (string, error) {
	t, err := c.session.load(ctx)
	return t.Instance, err
}
