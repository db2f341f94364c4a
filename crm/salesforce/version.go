package salesforce

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// MinVersion is the oldest API version that has everything offhook uses.
const MinVersion = "62.0"

// VersionError says that the org's API is too old, or does not offer the pinned version any more.
type VersionError struct {
	Want, Newest string
	Pinned       bool
}

func (e *VersionError) Error() string {
	if e.Pinned {
		return fmt.Sprintf("this org does not offer API version %s, which salesforce.api_version pins (newest here: %s): empty that setting", e.Want, cmp.Or(e.Newest, "not known"))
	}
	return fmt.Sprintf("this org offers no API version that fits (wanted %s, newest here: %s): check salesforce.login_url", e.Want, cmp.Or(e.Newest, "none"))
}

// Version returns the API version in use, such as "68.0", negotiating it on first use: the newest the org offers.
func (c *Client) Version(ctx context.Context) (string, error) {
	tok, err := c.session.current(ctx)
	if err != nil {
		return "", err
	}
	return c.negotiated(ctx, tok)
}

// negotiated returns the version without a request when it is known. The list needs no token and is not counted.
func (c *Client) negotiated(ctx context.Context, tok Token) (string, error) {
	if v := c.version.Load(); v != nil {
		return *v, nil
	}
	select {
	case c.versionGate <- struct{}{}:
		defer func() { <-c.versionGate }()
	case <-ctx.Done():
		return "", &TransportError{Method: http.MethodGet, Path: "/services/data", Err: ctx.Err()}
	}
	if v := c.version.Load(); v != nil {
		return *v, nil
	}
	r, err := c.once(ctx, call{method: http.MethodGet, path: "/services/data", root: true, open: true}, nil, tok)
	if err != nil {
		return "", err
	}
	v, err := chooseVersion(r.body, c.o.Version)
	if err != nil {
		return "", err
	}
	c.version.Store(&v)
	return v, nil
}

// chooseVersion takes the newest of the list, or the pinned one when the list has it.
func chooseVersion(body []byte, pinned string) (string, error) {
	var list []struct {
		Version string `json:"version"`
	}
	if err := json.Unmarshal(body, &list); err != nil {
		return "", &TransportError{Method: http.MethodGet, Path: "/services/data", Err: fmt.Errorf("the list of API versions is unreadable (%w)", err)}
	}
	newest, found := "", false
	for _, e := range list {
		if versionNumber(e.Version) > versionNumber(newest) {
			newest = e.Version
		}
		found = found || versionNumber(e.Version) == versionNumber(pinned)
	}
	if pinned != "" {
		if !found {
			return "", &VersionError{pinned, newest, true}
		}
		return strings.TrimPrefix(pinned, "v"), nil
	}
	if versionNumber(newest) < versionNumber(MinVersion) {
		return "", &VersionError{MinVersion + " or later", newest, false}
	}
	return newest, nil
}

// versionNumber reads "66.0" or "v66.0"; 0 for anything else, so that a strange list cannot inject a path.
func versionNumber(s string) int {
	major, minor, ok := strings.Cut(strings.TrimPrefix(s, "v"), ".")
	if !ok {
		return 0
	}
	n, err1 := strconv.Atoi(major)
	m, err2 := strconv.Atoi(minor)
	if err1 != nil || err2 != nil || n <= 0 || n > 9999 || m < 0 || m > 9 {
		return 0
	}
	return n*10 + m
}
