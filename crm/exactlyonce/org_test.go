package exactlyonce

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"offhook/crm/emulator"
)

// plan is what the two processes are told.
type plan struct {
	Addr   string    `json:"addr"` // of the practice Salesforce
	Org    string    `json:"org"`  // its file
	Ledger string    `json:"ledger"`
	Calls  int       `json:"calls"`
	NoKey  bool      `json:"noKey"` // the key field is not installed
	Seed   uint64    `json:"seed"`
	Begin  time.Time `json:"begin"`

	Contacts, Leads, Accounts []string
	Campaign                  string
}

// haste is how many seconds of the desk's and the org's clocks pass in one: pauses of a minute must not take one.
const haste = 60

// clock is the time of both processes. It does not start again when they do.
func (p plan) clock() time.Time {
	return p.Begin.Add(time.Since(p.Begin) * haste)
}

func (p plan) options() emulator.Options {
	return emulator.Options{File: p.Org, Clock: p.clock, NoCallKey: p.NoKey, SessionTimeout: 20 * time.Minute, APILimit: 10_000_000}
}

const planVar = "OFFHOOK_EXACTLY_ONCE_PLAN"

// TestMain lets the test's own binary be the other two processes.
func TestMain(m *testing.M) {
	role, file, ok := strings.Cut(os.Getenv(planVar), " ")
	if !ok {
		os.Exit(m.Run())
	}
	var p plan
	body, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(body, &p)
	}
	if err == nil {
		switch role {
		case "org":
			err = org(p)
		case "desk":
			err = desk(p)
		}
	}
	if err != nil {
		fmt.Println("failed", err)
		os.Exit(1)
	}
}

// org serves the practice Salesforce until it is killed.
func org(p plan) error {
	s, err := emulator.New(p.options())
	if err != nil {
		return err
	}
	// While Salesforce was dead any program of this machine may have been given its port for a connection, which ends sooner or later.
	for began := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		if _, err = s.Start(context.Background(), p.Addr); err == nil {
			break
		}
		if !errors.Is(err, syscall.EADDRINUSE) || time.Since(began) > time.Minute {
			return err
		}
	}
	fmt.Println("serves")
	select {}
}

// wire tells of every request before it goes out and after its reply came, so that a kill may hit either.
type wire struct{ next http.RoundTripper }

func (w wire) RoundTrip(r *http.Request) (*http.Response, error) {
	fmt.Println("asks")
	resp, err := w.next.RoundTrip(r)
	fmt.Println("answered")
	return resp, err
}
