package config

import (
	"net"
	"net/url"
	"os"
	"regexp"
	"strings"
)

var (
	apiVersion = regexp.MustCompile(`^v?[1-9][0-9]{1,2}\.0$`)
	// objectName is an API name: it begins with a letter, ends with none of its underscores, and has at most two of them in a row.
	objectName = regexp.MustCompile(`^[A-Za-z](_{0,2}[A-Za-z0-9])*$`)
)

// check says what is wrong with the section.
func (s Salesforce) check(add func(key, format string, args ...any)) {
	for _, name := range s.Scan {
		if len(name) > 80 || !objectName.MatchString(name) {
			if name == "" && len(s.Scan) == 1 { // an empty --set
				continue
			}
			add("salesforce.scan", "%q is not the API name of an object, as Contact or Machine__c", name)
		}
	}
	u, err := url.Parse(s.LoginURL)
	switch {
	case err != nil || u.Host == "":
		add("salesforce.login_url", "%q is not a web address", s.LoginURL)
		return
	case u.Scheme != "https" && !s.Local():
		add("salesforce.login_url", "must be https; plain http is allowed only to this machine, unless allow_localhost = false")
	case strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		add("salesforce.login_url", "only the host belongs there, as https://%s", u.Hostname())
	}
	if s.APIVersion != "" && !apiVersion.MatchString(s.APIVersion) {
		add("salesforce.api_version", "%q is not a version, as 66.0", s.APIVersion)
	}
	if s.Tokens == "age" && s.TokenIdentity != "" && s.TokenCommand != "" {
		add("salesforce.token_identity", "an identity or a passphrase command opens the age file, not both")
	}
	if s.ClientID == "" {
		return
	}
	switch s.Flow {
	case "jwt":
		if s.Username == "" {
			add("salesforce.username", "is needed for flow jwt")
		}
		if s.KeyFile == "" {
			add("salesforce.key_file", "is needed for flow jwt")
		} else if _, err := os.Stat(expand(s.KeyFile)); err != nil {
			add("salesforce.key_file", "cannot be read: %v", err)
		}
	case "client":
		if s.Username == "" {
			add("salesforce.username", "is needed for flow client: the agent whom the records belong to, because the session is the app's own")
		}
		if s.SecretCommand == "" {
			add("salesforce.client_secret_command", "is needed for flow client")
		}
		if host := strings.ToLower(u.Hostname()); host == "login.salesforce.com" || host == "test.salesforce.com" {
			add("salesforce.login_url", "flow client works at the org's My Domain only, as https://mycompany.my.salesforce.com")
		}
	}
}

// Local reports that the org is a practice Salesforce on this machine: only then may anything go over plain http.
func (s Salesforce) Local() bool {
	u, err := url.Parse(s.LoginURL)
	return err == nil && s.AllowLocalhost && isLoopback(u.Hostname())
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// KeyPath is key_file with the home folder filled in.
func (s Salesforce) KeyPath() string { return expand(s.KeyFile) }
