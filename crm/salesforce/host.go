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
	return fmt.Sprintf("%q is not a Salesforce address (%s): nothing was sent; check login_url", e.URL, e.Reason)
}

// checkHost parses a base address and refuses everything that is not https on *.salesforce.com or *.force.com. An
// instance_url is attacker-controlled as soon as the login address is mistyped, and a bearer token sent to a wrong
// host is an open org. Plain http is for the practice server on this machine only.
func checkHost(raw string, allowLocal bool) (*url.URL, error) {
	u, err := url.Parse(strings.TrimRight(strings.TrimSpace(raw), "/"))
	if err != nil {
		return nil, &HostError{raw, "not a URL"}
	}
	host := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	switch {
	case host == "" || u.Opaque != "":
		return nil, &HostError{raw, "no host name"}
	case u.User != nil:
		return nil, &HostError{raw, "it contains a user name"}
	case u.RawQuery != "" || u.Fragment != "":
		return nil, &HostError{raw, "it contains a query"}
	case isLoopback(host):
		if !allowLocal {
			return nil, &HostError{raw, "localhost needs allow_insecure_localhost"}
		}
		if u.Scheme != "http" && u.Scheme != "https" {
			return nil, &HostError{raw, "not http or https"}
		}
		return u, nil
	case u.Scheme != "https":
		return nil, &HostError{raw, "not https"}
	case under(host, "salesforce.com") || under(host, "force.com"):
		return u, nil
	}
	return nil, &HostError{raw, "not under salesforce.com or force.com"}
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
