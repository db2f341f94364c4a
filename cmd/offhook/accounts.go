package main

import (
	"context"
	"net/netip"
	"strings"

	"offhook/config"
	"offhook/desk"
	"offhook/internal/text"
	"offhook/sip"
)

// telephones is one account, or several behind one desk.
type telephones interface {
	desk.Phone
	Close(ctx context.Context) error
}

// openPhones opens the telephone: the account of the settings, and the further ones beside it.
func openPhones(ctx context.Context, first sip.Config, l *config.Loaded) (telephones, error) {
	if len(l.SIP.Accounts) == 0 {
		p, err := sip.Open(ctx, first)
		if err != nil { // a nil pointer in an interface would not be nil
			return nil, err
		}
		return p, nil
	}
	all := []sip.Config{first}
	for _, a := range l.SIP.Accounts {
		all = append(all, further(first, l, a))
	}
	g, err := sip.OpenGroup(ctx, all...)
	if err != nil {
		return nil, err
	}
	return g, nil
}

// accountsOf are the accounts of the settings, the first one first, as far as the way to their servers goes.
func accountsOf(l *config.Loaded) []sip.Config {
	first := firstAccount(l.SIP)
	first.Password = func(ctx context.Context) (string, error) { return secrets(l).SIPPassword(ctx, l.SIP) }
	all := []sip.Config{first}
	for _, a := range l.SIP.Accounts {
		all = append(all, further(first, l, a))
	}
	return all
}

// firstAccount is who the telephone is, and the way to its servers.
func firstAccount(c config.SIP) sip.Config {
	listen, _ := netip.ParseAddrPort(c.Listen) // checked when the settings were read
	return sip.Config{
		Account: c.Account, Username: c.Username, Transport: c.Transport, Registrar: c.Registrar, OutboundProxy: c.OutboundProxy,
		Registrar2: c.Registrar2, OutboundProxy2: c.OutboundProxy2, Listen: listen,
		TLS: sip.TLS{CAFile: c.CAFile, CertFile: c.Certificate, KeyFile: c.Key, ServerName: c.TLSName, Wildcard: c.Wildcard, AllowInsecure: c.AllowInsecure},
	}
}

// further is another account: like the first, but for what its own line says. It has a socket of its own, and watches the
// colleagues who belong to it.
func further(first sip.Config, l *config.Loaded, a config.Account) sip.Config {
	c := first
	c.Account, c.Username = a.Account, a.Username
	c.Registrar, c.OutboundProxy = a.Registrar, a.OutboundProxy
	c.Registrar2, c.OutboundProxy2, c.TLS.ServerName = "", "", ""
	if c.Registrar == "" {
		c.Registrar = "auto"
	}
	if _, domain, _ := strings.Cut(first.Account, "@"); strings.HasSuffix(a.Account, "@"+domain) { // the same exchange: the same way there
		if a.Registrar == "" {
			c.Registrar = first.Registrar
		}
		if a.OutboundProxy == "" {
			c.OutboundProxy = first.OutboundProxy
		}
		c.TLS.ServerName = first.TLS.ServerName
	}
	if a.Transport != "" {
		c.Transport = a.Transport
	}
	if a.CAFile != "" {
		c.TLS.CAFile = a.CAFile
	}
	if a.Certificate != "" || a.Key != "" { // they belong together
		c.TLS.CertFile, c.TLS.KeyFile = a.Certificate, a.Key
	}
	if a.TLSName != "" {
		c.TLS.ServerName = a.TLSName
	}
	c.Listen = netip.AddrPortFrom(first.Listen.Addr(), 0)
	c.Lamps = watchedBy(l.SIP, a.Account)
	c.Password = func(ctx context.Context) (string, error) { return secrets(l).AccountPassword(ctx, l.SIP, a) }
	return c
}

// lamps are the colleagues of the settings, as the desk shows them.
func lamps(c config.SIP) (show []desk.Lamp) {
	for _, l := range c.Lamps {
		lamp := desk.Lamp{Number: text.Clean(strings.TrimSpace(l.Number)), Name: text.Clean(l.Name)}
		if len(c.Accounts) > 0 { // the same number is somebody else at another exchange
			lamp.Via = text.Clean(strings.TrimPrefix(strings.TrimPrefix(c.Watcher(l), "sip:"), "sips:"))
		}
		show = append(show, lamp)
	}
	return show
}

// watchedBy are the colleagues that one account watches.
func watchedBy(c config.SIP, account string) (watch []sip.Lamp) {
	for _, l := range c.Lamps {
		if c.Watcher(l) == account {
			watch = append(watch, sip.Lamp{Number: strings.TrimSpace(l.Number), Name: l.Name})
		}
	}
	return watch
}
