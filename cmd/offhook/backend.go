package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"offhook/config"
	"offhook/crm/emulator"
	"offhook/desk"
	"offhook/sip/exchange"
)

// agentExtension is the demo agent's telephone.
const agentExtension = "2101"

// backend is the practice world behind the demo and scripted play: exchange and Salesforce in this process, on loopback, and the
// settings of a desk that uses them as any other desk would.
type backend struct {
	exchange *exchange.Server
	org      *emulator.Server
	dir      string
	settings *config.Loaded
	story    []exchange.Customer
	still    bool

	mu     sync.Mutex
	next   int
	told   func(exchange.Event) // the guide
	faults map[string]bool
}

// startBackend starts the practice world. still: nobody there does anything by the clock.
func startBackend(ctx context.Context, e *env, still bool, extra string) (b *backend, err error) {
	b = &backend{still: still, story: exchange.Story(agentExtension), faults: map[string]bool{}}
	defer func() {
		if err != nil {
			b.close()
		}
	}()
	if b.dir, err = os.MkdirTemp("", "offhook-demo-*"); err != nil {
		return nil, err
	}
	if b.org, err = emulator.New(emulator.Options{}); err != nil {
		return nil, err
	}
	url, err := b.org.Start(ctx, "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	b.exchange, err = exchange.New(exchange.Options{Still: still, OnEvent: b.event})
	if err != nil {
		return nil, err
	}
	return b, b.writeSettings(e, url, extra)
}

// writeSettings writes the file of settings that a real agent would have, and loads it.
func (b *backend) writeSettings(e *env, url, extra string) error {
	keyFile := filepath.Join(b.dir, "key.pem")
	if err := os.WriteFile(keyFile, b.org.KeyPEM(), 0o600); err != nil {
		return err
	}
	var password string
	for _, u := range b.exchange.Users() {
		if u.Extension == agentExtension {
			password = u.Password
		}
	}
	cred := b.org.Credentials()
	toml := fmt.Sprintf(`[sip]
account = "sip:%s@%s"
registrar = "%s"
listen = "127.0.0.1:0"
password = %q
allow_plaintext = true
auto_answer = true
voicemail = "2110"
trusted_peers = ["127.0.0.1"]
data = [{header = "X-Record-Id", record = true}, {header = "X-Campaign", name = "Campaign", show = true}]
lamps = [{number = "2104", name = "Priya Raman"}, {number = "2105", name = "Sam Ortiz"}, {number = "2106", name = "Robin Hale"}, {number = "2107", name = "Noor Aziz"}]
[salesforce]
login_url = %q
client_id = %q
flow = "jwt"
username = %q
key_file = %q
tokens = "file"
allow_localhost = true
[dispositions]
codes = [
  {code = "done", label = "Resolved", key = "1", status = "Responded"},
  {code = "interested", label = "Interested", key = "2", status = "Responded"},
  {code = "callback", label = "Call back", key = "3", callback = true},
  {code = "none", label = "Nobody there", key = "4", status = "Sent"},
]
[campaigns]
list = [{name = "Autumn renewals", list = "Autumn renewals"}]
[recording]
dir = %q
[storage]
dir = %q
%s`, agentExtension, b.exchange.Addr(), b.exchange.Addr(), password, url, cred.ClientID, cred.Username, keyFile, filepath.Join(b.dir, "recordings"), filepath.Join(b.dir, "state"), extra)
	file := filepath.Join(b.dir, "config.toml")
	if err := os.WriteFile(file, []byte(toml), 0o600); err != nil {
		return err
	}
	demo := *e
	demo.configFile, demo.profile, demo.practice = file, "", true
	var err error
	b.settings, err = demo.load()
	return err
}

// options are what a desk on this backend does differently.
func (b *backend) options(quiet bool) options {
	return options{
		demo: b.do, still: b.still,
		agent: desk.Agent{Demo: true, Quiet: quiet},
	}
}

// do carries out the demo's keys.
func (b *backend) do(d desk.Demo) {
	switch d.Verb {
	case desk.DemoNext:
		if !b.exchange.AnswerCall(agentExtension) { // a call that the agent makes is answered first
			b.nextCustomer()
		}
	case desk.DemoBye:
		b.exchange.HangUp(agentExtension)
	case desk.DemoHold:
		b.exchange.ToggleHold(agentExtension)
	case desk.DemoFault:
		b.toggleFault(d.Text)
	}
}

// nextCustomer lets the next person of the story call; after the last the first calls again.
func (b *backend) nextCustomer() {
	b.mu.Lock()
	c := b.story[b.next%len(b.story)]
	b.next++
	b.mu.Unlock()
	if err := b.exchange.Place(c.Call); err != nil {
		b.mu.Lock()
		b.next--
		b.mu.Unlock()
	}
}

// toggleFault breaks the practice Salesforce, or mends it.
func (b *backend) toggleFault(name string) {
	b.mu.Lock()
	on := !b.faults[name]
	b.faults[name] = on
	b.mu.Unlock()
	b.org.ClearFaults()
	if !on {
		return
	}
	kinds := map[string]string{"": emulator.FaultBusy, "down": emulator.FaultBusy, "expired": emulator.FaultSession, "slow": emulator.FaultLatency}
	kind, ok := kinds[name]
	if !ok {
		kind = name
	}
	f := emulator.Fault{Kind: kind}
	if name == "slow" {
		f.Milliseconds = 4000
	}
	_ = b.org.SetFault(f) // an unknown name changes nothing
}

// broken reports whether the practice Salesforce is switched off.
func (b *backend) broken() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.faults["down"] || b.faults[""]
}

// event passes on what the people do.
func (b *backend) event(ev exchange.Event) {
	b.mu.Lock()
	f := b.told
	b.mu.Unlock()
	if f != nil {
		f(ev)
	}
}

func (b *backend) listen(f func(exchange.Event)) {
	b.mu.Lock()
	b.told = f
	b.mu.Unlock()
}

func (b *backend) close() {
	if b.exchange != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		_ = b.exchange.Close(ctx)
		cancel()
	}
	if b.org != nil {
		_ = b.org.Close()
	}
	if b.dir != "" {
		_ = os.RemoveAll(b.dir)
	}
}
