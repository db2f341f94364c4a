package emulator

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// PhoneSearch is how IN PHONE FIELDS compares: Salesforce documents neither, so both can be practised.
const (
	Normalise = "normalise" // stored punctuation is ignored: 7813003549 finds (781) 300-3549
	Strict    = "strict"    // only runs of digits as they are stored: 7813003549 finds nothing there
)

// What an admin has done with the app (Settings.App).
const (
	AppInstalled    = "installed"
	AppNotInstalled = "not_installed" // an admin must install it or grant Approve Uninstalled Connected Apps
	AppBlocked      = "blocked"       // OAuth usage: blocked
)

// How a device is approved (Settings.DeviceFlow).
const (
	DeviceAsk  = "ask"  // a person opens the page, or a test calls Decide
	DeviceAuto = "auto" // approved as soon as it is polled
	DeviceOff  = "off"  // the app's switch Enable Device Flow is off
)

// Settings are what an admin of the practice org decides. They can be changed while the server runs; the zero value of
// each is the usual org.
type Settings struct {
	PhoneSearch         string   `json:"phoneSearch"`         // Normalise or Strict
	CallKey             bool     `json:"callKey"`             // the field Task.Offhook_Call_Key__c is installed
	PersonAccounts      bool     `json:"personAccounts"`      // people are accounts, too
	Without             []string `json:"without"`             // objects ("CampaignMember") and fields ("Task.Type") that the user cannot see
	RotateRefreshTokens bool     `json:"rotateRefreshTokens"` // a refresh returns a new refresh token and ends the old one
	ConsentPage         bool     `json:"consentPage"`         // the authorize page asks a person instead of approving by itself
	App                 string   `json:"app"`                 // AppInstalled, AppNotInstalled, AppBlocked
	Redirects           []string `json:"redirects"`           // the callback URLs of the app; none: any loopback address
	Unapproved          []string `json:"unapproved"`          // users who have not approved the app yet: no JWT for them before they signed in once
	RunAs               string   `json:"runAs"`               // the client credentials user; "" is the agent, "none" nobody
	DeviceFlow          string   `json:"deviceFlow"`          // DeviceAsk, DeviceAuto, DeviceOff
	NoAccess            []string `json:"noAccess"`            // ids of records that the user may see, but not change or relate to

	RecordTypes     []RecordType     `json:"recordTypes"`
	ValidationRules []ValidationRule `json:"validationRules"`
	DuplicateRules  []DuplicateRule  `json:"duplicateRules"`
}

// check fills in what is empty and refuses what has no meaning.
func (set *Settings) check() error {
	for _, one := range []struct {
		name   string
		value  *string
		values []string
	}{
		{"phone search", &set.PhoneSearch, []string{Normalise, Strict}},
		{"app", &set.App, []string{AppInstalled, AppNotInstalled, AppBlocked}},
		{"device flow", &set.DeviceFlow, []string{DeviceAsk, DeviceAuto, DeviceOff}},
	} {
		if *one.value == "" {
			*one.value = one.values[0]
		}
		if !slices.Contains(one.values, *one.value) {
			return fmt.Errorf("%s is %q: use %q", one.name, *one.value, one.values)
		}
	}
	for _, w := range set.Without {
		if strings.EqualFold(w, "User") || strings.EqualFold(w, "Organization") {
			return fmt.Errorf("an org without %s cannot sign anybody in", w)
		}
	}
	for _, id := range set.NoAccess {
		if _, valid := canonicalID(id); !valid {
			return fmt.Errorf("%q in noAccess is not the id of a record", id)
		}
	}
	return set.checkRuleSettings(newSchema(*set))
}

// Settings returns what the practice org's admin decided.
func (s *Server) Settings() Settings {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.settings
}

// SetSettings changes the org while it runs, as an admin would.
func (s *Server) SetSettings(set Settings) error {
	if err := set.check(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	was := s.settings
	err := s.apply(set)
	if err != nil {
		s.store.forget()
	} else {
		_, err = s.store.commit()
	}
	if err != nil { // what was noted of the new settings is taken back already
		s.settings = was
		s.store.adopt(newSchema(was))
		return err
	}
	s.described = s.clock().UTC().Truncate(time.Second)
	return nil
}
