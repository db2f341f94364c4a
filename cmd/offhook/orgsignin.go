package main

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"time"

	"offhook/crm"
	"offhook/crm/salesforce"
	"offhook/desk"
	"offhook/internal/text"
)

// How often the sign-in is tried again while it does not work.
const (
	signInFirst = 2 * time.Second
	signInLast  = time.Minute
	signInStore = 5 * time.Second
)

// signIn proves the sign-in and learns who the user is, trying until it works; afterwards it waits to be asked again: by the
// agent, by a sender that was turned away, or because another offhook of this profile has signed in as somebody else.
func (o *org) signIn(ctx context.Context, d *desk.Desk) {
	d.Post(desk.LinkChanged{Name: desk.LinkSalesforce, Health: desk.HealthWaiting, Text: text.Clean("signing in")})
	wait, told := signInFirst, ""
	for {
		user, err := o.client.Prove(ctx)
		if ctx.Err() != nil {
			return
		}
		next := time.Duration(-1)
		if err != nil {
			line := salesforce.Line(err)
			d.Post(desk.LinkChanged{Name: desk.LinkSalesforce, Health: desk.HealthDown, Text: text.Clean(line)})
			if passing := salesforce.KindOf(err) == salesforce.KindTransient; !passing && line != told { // a person must act, and a narrow status line has no room to say how
				d.Post(desk.Told{Severity: desk.Problem, Text: asSentence(line)})
			}
			told = line
			next, wait = wait, min(wait*2, signInLast)
			var auth *salesforce.AuthError
			if errors.Is(err, salesforce.ErrNoToken) || errors.As(err, &auth) { // mostly only the store is looked at: somebody is about to sign in
				next = min(next, signInStore)
			}
		} else {
			told = ""
			o.signedIn(ctx, d, user)
			o.sender.SignedIn()
			o.errands.Notify()
			wait = signInFirst
			_ = o.directory.Warm(ctx) // the first lookup learns what is still missing
			_ = o.sender.Look(ctx)    // what cannot be read now is read with the next record
		}
		timer := time.NewTimer(max(next, 0))
		if next < 0 {
			timer.Stop()
		}
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		case <-o.again:
		}
		timer.Stop()
	}
}

// asSentence makes one of a line of the Salesforce side, which begins with a small letter unless it begins with a name.
func asSentence(line string) text.Text {
	if line == "" {
		return text.Text{}
	}
	return text.Clean(strings.TrimRight(text.Capital(line), ".") + ".")
}

// signedIn tells the desk who works here, and where.
func (o *org) signedIn(ctx context.Context, d *desk.Desk, user salesforce.UserInfo) {
	if agent, err := o.client.Agent(ctx); err == nil { // the app's own user is nobody's desk
		user = agent
	}
	if a, err := crm.LoadAnswers(ctx, o.ledger, user.OrgID); err == nil { // without them the careful way is taken
		o.settled.Store(&a)
	}
	o.applyLayout(ctx, d, user.UserID, user.Username)
	o.locale.Store(&user.Locale)
	if o.record.TimeZone == "" {
		if zone, err := time.LoadLocation(user.Zone); err == nil && user.Zone != "" {
			o.zone.Store(zone)
		}
	}
	if zone := o.zone.Load(); zone != nil {
		d.Post(desk.ZoneLearnt{Zone: zone})
	}
	o.signed.Store(true)
	host := o.client.InstanceURL()
	if u, err := url.Parse(host); err == nil {
		host = u.Host
	}
	who := desk.SignedIn{User: text.Clean(user.Username), Name: text.Clean(user.Name), Org: text.Clean(host), Sandbox: sandboxHost(host)}
	if org, err := o.client.Org(ctx); err == nil { // a user who may not read it still has the host
		who.OrgName, who.Sandbox = text.Clean(org.Name), org.Sandbox
	}
	d.Post(who)
	d.Post(desk.LinkChanged{Name: desk.LinkSalesforce, Health: desk.HealthOK, Text: text.Clean(user.Username)})
}

// sandboxHost tells a sandbox by its My Domain: acme--uat.sandbox.my.salesforce.com, or the older acme--uat.my.salesforce.com.
func sandboxHost(host string) bool {
	name, _, _ := strings.Cut(host, ".")
	return strings.Contains(name, "--") || strings.HasSuffix(host, ".sandbox.my.salesforce.com")
}

// apiUsed tells the desk how much of the org's API calls is used, when that has changed.
func (o *org) apiUsed(d *desk.Desk) {
	percent := int(o.client.Budget().Share() * 100)
	if o.used.Swap(int32(percent)) != int32(percent) {
		d.Post(desk.APIUsed{Percent: percent})
	}
}
