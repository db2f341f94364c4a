package config

import "strings"

// Has reports whether an address is one of the accounts, with or without "sip:".
func (c SIP) Has(account string) bool { return c.account(account) != "" }

// account finds an account as it stands in the settings; "": it is none.
func (c SIP) account(address string) string {
	bare := func(s string) string { return strings.TrimPrefix(strings.TrimSpace(s), "sip:") }
	if strings.EqualFold(bare(address), bare(c.Account)) {
		return c.Account
	}
	for _, a := range c.Accounts {
		if strings.EqualFold(bare(address), bare(a.Account)) {
			return a.Account
		}
	}
	return ""
}

// Watcher is the account that watches a colleague: the one that is named, else the first of the domain in the number, else the first.
func (c SIP) Watcher(l Lamp) string {
	if a := c.account(l.Account); a != "" && strings.TrimSpace(l.Account) != "" {
		return a
	}
	_, domain, ok := strings.Cut(strings.TrimSpace(l.Number), "@")
	domain, _, _ = strings.Cut(domain, ";")
	if ok && domain != "" {
		at := "@" + strings.ToLower(domain)
		if strings.HasSuffix(strings.ToLower(c.Account), at) {
			return c.Account
		}
		for _, a := range c.Accounts {
			if strings.HasSuffix(strings.ToLower(a.Account), at) {
				return a.Account
			}
		}
	}
	return c.Account
}
