package desk

import (
	"fmt"
	"slices"
	"strings"

	"offhook/internal/text"
	"offhook/sip"
)

// noCalls ends the notice of a lost registration, and marks it for the moment when it is over.
const noCalls = "no call can come in"

// maxAccounts bounds the list of accounts.
const maxAccounts = 16

// registration takes over how an account stands at its registrar. Calls can come in as long as one of several is registered.
func (t *turn) registration(ev sip.RegistrationChanged) {
	second := !ev.Primary && !ev.Account.Empty() && !t.agent.Account.Empty() && ev.Account != t.agent.Account
	if !ev.Account.Empty() && !second {
		t.agent.Account = ev.Account
	}
	t.accountChanged(ev, second)
	if len(t.accounts) > 1 {
		t.together()
		return
	}
	t.reg = ev.State
	link := linkOf(ev)
	switch link.Health {
	case HealthOK:
		t.unsay(noCalls)
	case HealthDown:
		if t.links.SIP.Text != ev.Reason {
			t.say(Problem, "", "%s – %s; calls that are up go on.", ev.Reason, noCalls)
		}
	}
	t.linkChanged(LinkChanged{Name: LinkSIP, Health: link.Health, Text: link.Text})
}

// linkOf is a registration as a link.
func linkOf(ev sip.RegistrationChanged) Link {
	switch ev.State {
	case sip.Registered:
		return Link{Health: HealthOK, Text: text.Clean("registered at " + ev.Server.String())}
	case sip.Local:
		return Link{Health: HealthOK, Text: text.Clean("taking calls on " + ev.Server.String())}
	case sip.Registering:
		return Link{Health: HealthWaiting, Text: text.Clean("registering at " + ev.Server.String())}
	case sip.Unregistered:
		return Link{Health: HealthOff, Text: text.Clean("not registered")}
	}
	return Link{Health: HealthDown, Text: ev.Reason}
}

// accountChanged keeps the list of accounts, the primary first. What becomes of one among several is said by its name.
func (t *turn) accountChanged(ev sip.RegistrationChanged, second bool) {
	link := linkOf(ev)
	now := Account{Name: text.Clean(strings.TrimPrefix(ev.Account.String(), "sip:")), Health: link.Health, Text: link.Text, Primary: !second}
	t.accounts = slices.Clone(t.accounts) // earlier snapshots have it
	i := slices.IndexFunc(t.accounts, func(a Account) bool { return a.Name == now.Name || !second && a.Primary })
	old := Account{Health: HealthWaiting}
	switch {
	case i >= 0:
		old, t.accounts[i] = t.accounts[i], now
	case len(t.accounts) >= maxAccounts:
		return
	case second:
		t.accounts = append(t.accounts, now)
	default:
		t.accounts = slices.Insert(t.accounts, 0, now)
	}
	if len(t.accounts) < 2 {
		return
	}
	switch about := now.Name.String() + ": "; {
	case now.Health == HealthOK:
		t.unsay(about)
	case now.Health == HealthDown && (old.Health != HealthDown || old.Text != now.Text):
		t.say(Warning, "", "%s%s – no call comes in over this account; the others work.", about, now.Text)
	}
}

// together is what several accounts come to.
func (t *turn) together() {
	up, waiting, down := 0, 0, ""
	t.reg = sip.RegFailed
	for _, a := range t.accounts {
		switch a.Health {
		case HealthOK:
			up++
		case HealthWaiting:
			waiting++
		case HealthDown:
			if down == "" {
				down = a.Name.String()
			}
		}
	}
	link := LinkChanged{Name: LinkSIP, Health: HealthOK, Text: text.Clean(fmt.Sprintf("%d/%d", up, len(t.accounts)))}
	switch {
	case up > 0:
		t.reg = sip.Registered
		t.unsay(noCalls)
		if down != "" {
			link.Health, link.Text = HealthWarn, text.Clean(fmt.Sprintf("%d/%d, %s down", up, len(t.accounts), down))
		}
	case waiting > 0:
		t.reg, link.Health = sip.Registering, HealthWaiting
	default:
		link.Health, link.Text = HealthDown, text.Clean(fmt.Sprintf("0/%d", len(t.accounts)))
		if t.links.SIP.Health != HealthDown {
			t.say(Problem, "", "No account is registered – %s; calls that are up go on.", noCalls)
		}
	}
	t.linkChanged(link)
}
