package salesforce

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"
)

// HostError says that an address may not be given the access token.
type HostError struct {
	URL    string
	Reason string
}

func (e *HostError) Error() string {
	return fmt.Sprintf("%q is not a Salesforce address (%s): nothing was sent; check login_url", clip(e.URL), e.Reason)
}

// checkHost parses a base address and refuses everything that is not https on *.salesforce.com or *.force.com. An
// instance_url is attacker-controlled as soon as the login address is mistyped, and a bearer token sent to a wrong
// host is an open org. Plain http is for the practice server on this machine only.
func checkHost(raw string, allowLocal bool) (*url.URL, error) {
	u, err := checkURL(raw, allowLocal)
	if err != nil {
		return nil, err
	}
	if u.Path != "" {
		return nil, &HostError{raw, "it contains a path: only the host belongs there"}
	}
	return u, nil
}

// checkPage refuses a page that is not on Salesforce; it may have a path.
func checkPage(raw string, allowLocal bool) error {
	_, err := checkURL(raw, allowLocal)
	return err
}

func checkURL(raw string, allowLocal bool) (*url.URL, error) {
	u, err := url.Parse(strings.TrimRight(strings.TrimSpace(raw), "/"))
	if err != nil {
		return nil, &HostError{raw, "not a URL"}
	}
	host := strings.ToLower(u.Hostname())
	switch {
	case host == "" || u.Opaque != "":
		return nil, &HostError{raw, "no host name"}
	case u.User != nil:
		return nil, &HostError{raw, "it contains a user name"}
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.ContainsAny(raw, "#\\"):
		return nil, &HostError{raw, "it contains a query"}
	case isLoopback(host):
		if !allowLocal {
			return nil, &HostError{raw, "localhost needs allow_localhost"}
		}
		if u.Scheme != "http" && u.Scheme != "https" {
			return nil, &HostError{raw, "not http or https"}
		}
		return u, nil
	case u.Scheme != "https":
		return nil, &HostError{raw, "not https"}
	case !plainHost(host):
		return nil, &HostError{raw, "a host name has letters, digits, dots and hyphens only, and no dot at its end"}
	case u.Port() != "" && u.Port() != "443":
		return nil, &HostError{raw, "Salesforce answers on port 443 only"}
	case under(host, "salesforce.com") || under(host, "force.com"):
		return u, nil
	}
	return nil, &HostError{raw, "not under salesforce.com or force.com"}
}

// plainHost refuses names that other programs may read differently: other scripts and their dots, escapes, empty labels.
func plainHost(host string) bool {
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return false
		}
	}
	return true
}

// under reports whether host is a name below domain, never the bare domain itself and never a look-alike such as
// evilsalesforce.com.
func under(host, domain string) bool { return strings.HasSuffix(host, "."+domain) }

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback()
}
