package post

import (
	"context"
	"strings"
	"time"

	"offhook/crm"
	"offhook/crm/salesforce"
)

// ownerFresh is how long an owner is used before Salesforce is asked again.
const ownerFresh = time.Hour

// foundOwner is one answer of Salesforce, also that there is none.
type foundOwner struct {
	id string
	at time.Time
}

// sipUser takes an account apart: its user part and its host, lower case.
func sipUser(account string) (user, host string) {
	s := strings.ToLower(strings.TrimSpace(account))
	s = strings.TrimPrefix(strings.TrimPrefix(s, "sips:"), "sip:")
	s, _, _ = strings.Cut(s, ";")
	user, host, _ = strings.Cut(s, "@")
	host, _, _ = strings.Cut(host, ":")
	return user, host
}

// match finds the rule of an account: one with a host names just that one.
func matchOwner(rules []crm.OwnerRule, account string) (crm.OwnerRule, bool) {
	user, host := sipUser(account)
	for _, r := range rules {
		u, h := sipUser(r.SIP)
		if u == user && u != "" && (h == "" || h == host) {
			return r, true
		}
	}
	return crm.OwnerRule{}, false
}

// mailLike reports whether an account may be an e-mail address: extensions are none.
func mailLike(account string) (string, bool) {
	user, host := sipUser(account)
	letters := strings.ContainsFunc(user, func(r rune) bool { return r >= 'a' && r <= 'z' })
	return user + "@" + host, letters && strings.Contains(host, ".") && !strings.ContainsAny(user, " \"'<>\\")
}

// owner decides whose Task it is: the settings' map, else the user with the account's e-mail address, else the session's user. An
// error means that Salesforce could not be asked; whom it does not know, and inactive users, are warned of.
func (s *Sender) owner(ctx context.Context, rec crm.CallRecord, set crm.TaskSettings) (string, error) {
	account := rec.Agent.String()
	if rule, ok := matchOwner(set.Owners, account); ok {
		id, err := s.userID(ctx, rule.User)
		if err != nil {
			return "", err
		}
		if id != "" {
			s.lacking("owner of " + account)
			return id, nil
		}
		s.lacking("owner of "+account, "record.owners: Salesforce has no active user "+rule.User+" for "+account+": its calls belong to the signed-in user")
		return set.OwnerID, nil
	}
	if mail, ok := mailLike(account); ok {
		id, err := s.lookUser(ctx, "Email", mail)
		if err != nil {
			return "", err
		}
		if id != "" {
			s.lacking("owner of " + account)
			return id, nil
		}
	}
	if set.Shared {
		s.lacking("owner of "+account, "the session belongs to no person: name the user of "+account+" in record.owners, or its calls belong to the integration user")
	} else {
		s.lacking("owner of " + account)
	}
	return set.OwnerID, nil
}

// userID finds the user that a rule names. A queue is taken as it is: Salesforce refuses one that takes no Tasks, and the record then
// goes without it.
func (s *Sender) userID(ctx context.Context, user string) (string, error) {
	switch {
	case salesforce.ValidID(user) && strings.HasPrefix(user, "00G"):
		return user, nil
	case salesforce.ValidID(user) && strings.HasPrefix(user, "005"):
		return s.lookUser(ctx, "Id", user)
	}
	return s.lookUser(ctx, "Username", user)
}

// lookUser returns the only active user whose field has the value; "" when there is none or several.
func (s *Sender) lookUser(ctx context.Context, field salesforce.Ident, v string) (string, error) {
	key := string(field) + " " + strings.ToLower(v)
	s.orgMu.Lock()
	known, ok := s.owners[key]
	s.orgMu.Unlock()
	if ok && s.now().Sub(known.at) < ownerFresh {
		return known.id, nil
	}
	by := salesforce.Eq(field, salesforce.String(v))
	if field == "Id" {
		by = salesforce.Eq(field, salesforce.ID(v))
	}
	page, err := s.o.Client.Query(ctx, salesforce.Select("Id", "IsActive").From("User").Where(by).Limit(20))
	if err != nil {
		if judge(err, writing).reaction != refused {
			return "", err
		}
		page = salesforce.QueryResult{} // users may not be read: that decides, too
	}
	found := foundOwner{at: s.now()}
	n := 0
	for _, r := range page.Records {
		if r.Bool("IsActive") {
			found.id = r.ID()
			n++
		}
	}
	if n > 1 {
		found.id = ""
	}
	s.orgMu.Lock()
	if s.owners == nil {
		s.owners = map[string]foundOwner{}
	}
	s.owners[key] = found
	s.orgMu.Unlock()
	return found.id, nil
}
