package crm

import (
	"context"
	"net/url"
	"strings"

	"offhook/crm/salesforce"
)

// pasted reads a record's id, or its address in the browser, from what an agent put into the search box. ok is false for anything
// else. A record of another org is an error: an id says nothing elsewhere.
func (d *Directory) pasted(ctx context.Context, q string) (ref Ref, ok bool, err error) {
	if object, id, host := splitAddress(q); id != "" {
		if !SameOrg(host, d.sf.InstanceURL()) {
			return Ref{}, false, &LineError{Line: "nothing was opened: that address is of another org, " + host}
		}
		if salesforce.Ident(object).Valid() {
			return Ref{Type: object, ID: id}, true, nil
		}
		q = id
	}
	if ref, ok := RefOfID(q); ok && looksLikeID(q) {
		return ref, true, nil
	}
	if len(q) != 18 || !salesforce.ValidID(q) || q != salesforce.LongID(q[:15]) {
		return Ref{}, false, nil
	}
	objects, err := d.prefixes(ctx)
	if err != nil {
		return Ref{}, false, err
	}
	object, ok := objects[q[:3]]
	return Ref{Type: object, ID: q}, ok, nil
}

// looksLikeID tells an id from a word of fifteen letters: those of 15 characters must have zeros where ids have them.
func looksLikeID(q string) bool { return len(q) == 18 || strings.Contains(q[3:], "00") }

// SplitAddress takes a record's object and id out of its address in Salesforce: /lightning/r/Contact/003…/view, or /003… as Classic
// has it, where the object is "". The host is returned as it stands there. id is "" for anything that is no such address; nothing is
// asked and nothing opened.
func SplitAddress(address string) (object, id, host string) { return splitAddress(address) }

func splitAddress(q string) (object, id, host string) {
	u, err := url.Parse(strings.TrimSpace(q))
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil {
		return "", "", ""
	}
	parts := strings.FieldsFunc(u.Path+"/"+u.Fragment, func(r rune) bool { return r == '/' })
	for i, p := range parts {
		if !salesforce.ValidID(p) || len(p) == 18 && p != salesforce.LongID(p[:15]) || len(p) == 15 && !looksLikeID(p) {
			continue
		}
		if i > 1 && (parts[i-2] == "r" || parts[i-2] == "sObject") {
			object = parts[i-1]
		}
		return object, p, u.Host
	}
	return "", "", ""
}

// SameOrg compares an address with the org's own. One org has several hosts that begin with its My Domain name:
// acme.my.salesforce.com and acme.lightning.force.com.
func SameOrg(host, instance string) bool {
	u, err := url.Parse(instance)
	if err != nil || u.Host == "" {
		return instance == ""
	}
	if strings.EqualFold(host, u.Host) {
		return true
	}
	domain := func(h string) string {
		h, _, _ = strings.Cut(strings.ToLower(h), ":")
		if !strings.HasSuffix(h, ".salesforce.com") && !strings.HasSuffix(h, ".force.com") {
			return ""
		}
		name, _, _ := strings.Cut(h, ".")
		return name
	}
	return domain(host) != "" && domain(host) == domain(u.Host)
}

// prefixes are the objects of the org by the first three characters of their ids, asked once.
func (d *Directory) prefixes(ctx context.Context) (map[string]string, error) {
	d.mu.Lock()
	known := d.byPrefix
	d.mu.Unlock()
	if known != nil {
		return known, nil
	}
	list, err := d.sf.Objects(ctx)
	if err != nil {
		return nil, err
	}
	known = map[string]string{}
	for _, o := range list {
		if len(o.KeyPrefix) == 3 && o.Queryable && salesforce.Ident(o.Name).Valid() {
			known[o.KeyPrefix] = o.Name
		}
	}
	d.mu.Lock()
	d.byPrefix = known
	d.mu.Unlock()
	return known, nil
}
