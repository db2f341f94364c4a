package sip

import (
	"crypto/tls"

	"offhook/sip/locate"
)

// Way is how a phone gets to one of its registrars.
type Way struct {
	Target locate.Target
	TLS    *tls.Config // how a server that was found for Target proves itself, and what we show it
}

// Ways reads a Config as Open does and says where its phone would register, the first registrar first; none without a registrar. It is
// for a person who looks for a fault: nothing is opened. Errors are *ConfigError.
func Ways(c Config) ([]Way, error) {
	a, err := c.read()
	if err != nil {
		return nil, err
	}
	var out []Way
	for _, w := range a.ways {
		t := a.target(w.next())
		out = append(out, Way{t, a.tlsFor(t.Host)})
	}
	return out, nil
}
