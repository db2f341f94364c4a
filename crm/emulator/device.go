package emulator

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// device is one device flow under way: Salesforce's own, which is not RFC 8628's.
type device struct {
	client, scope, userCode string
	user                    string // who approved it, "" before
	denied                  bool
	issued, polled          time.Time
	interval                time.Duration
}

const (
	deviceInterval = 5 * time.Second
	deviceLife     = 10 * time.Minute
	devicePage     = "/setup/connect"
)

// userCodeLetters leaves out what is mistaken for something else.
const userCodeLetters = "BCDFGHJKLMNPQRSTVWXZ23456789"

// deviceCode begins the flow: response_type=device_code at the token endpoint.
func (s *Server) deviceCode(client, scope, base string) *reply {
	if s.settings.DeviceFlow == DeviceOff {
		return oauthError(http.StatusBadRequest, "invalid_request", "device flow is not enabled for this app")
	}
	now := s.clock()
	for code, d := range s.auth.devices {
		if now.Sub(d.issued) > 2*deviceLife {
			delete(s.auth.devices, code)
		}
	}
	b := make([]byte, 8)
	rand.Read(b) // never fails
	for i := range b {
		b[i] = userCodeLetters[int(b[i])%len(userCodeLetters)]
	}
	code := secret(48)
	s.auth.devices[code] = &device{client: client, scope: scope, userCode: string(b), issued: now, interval: deviceInterval}
	return &reply{status: http.StatusOK, header: http.Header{"Cache-Control": {"no-store"}}, body: map[string]any{"device_code": code, "user_code": string(b),
		"verification_uri": base + devicePage, "interval": int(deviceInterval / time.Second)}}
}

// devicePoll is grant_type=device: pending until a person has decided, then tokens once.
func (s *Server) devicePoll(code, client, base string) *reply {
	refuse := func(name, why string) *reply { return oauthError(http.StatusBadRequest, name, why) }
	d := s.auth.devices[code]
	if d == nil || d.client != client {
		return refuse("invalid_grant", "invalid device code")
	}
	now := s.clock()
	early := !d.polled.IsZero() && now.Sub(d.polled) < d.interval
	d.polled = now
	switch {
	case now.Sub(d.issued) > deviceLife:
		return refuse("expired_token", "the device code has expired")
	case d.denied:
		delete(s.auth.devices, code)
		return refuse("access_denied", "end-user denied authorization")
	case early:
		d.interval += deviceInterval
		return refuse("slow_down", "polling too frequently")
	}
	if d.user == "" && s.settings.DeviceFlow == DeviceAuto {
		d.user = s.userNamed(AgentUsername).id
	}
	if d.user == "" {
		return refuse("authorization_pending", "the user has not approved this code yet")
	}
	delete(s.auth.devices, code)
	refresh := ""
	if strings.Contains(d.scope, "refresh_token") || strings.Contains(d.scope, "offline_access") {
		refresh = s.newRefresh(&session{user: d.user, client: client, scope: d.scope})
	}
	return s.grantReply(d.user, client, d.scope, refresh, base)
}

// Decide approves or denies a device's user code, as a person does on the page, and reports whether the code was waiting.
func (s *Server) Decide(userCode string, allow bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.decide(userCode, AgentUsername, allow)
}

func (s *Server) decide(userCode, username string, allow bool) bool {
	plain := strings.ToUpper(strings.NewReplacer("-", "", " ", "").Replace(userCode))
	for _, d := range s.auth.devices {
		if d.userCode != plain || d.user != "" || d.denied || s.clock().Sub(d.issued) > deviceLife {
			continue
		}
		user := s.userNamed(username)
		if user == nil || !user.bool("IsActive") {
			return false
		}
		if d.denied = !allow; allow {
			d.user = user.id
			s.auth.approvals[strings.ToLower(user.str("Username"))] = true
		}
		return true
	}
	return false
}

// connect is the page where a person types the code that the device shows.
func (s *Server) connect(r *http.Request, body []byte) *reply {
	form := r.URL.Query()
	if posted, err := url.ParseQuery(string(body)); err == nil && r.Method == http.MethodPost {
		form = posted
	}
	if decision := form.Get("decision"); r.Method == http.MethodPost && decision != "" {
		name := form.Get("username")
		if name == "" {
			name = AgentUsername
		}
		switch {
		case !s.decide(form.Get("user_code"), name, decision == "allow"):
			return showPage(pageData{Title: "This code is not known", Text: "It was mistyped, used already, or has expired. Begin again on the device."})
		case decision == "allow":
			return showPage(pageData{Title: "The device is connected", Text: "You may close this page."})
		}
		return showPage(pageData{Title: "The device was refused", Text: "You may close this page."})
	}
	return showPage(pageData{Title: "Connect your device", Text: "Type the code that it shows.", Action: devicePage,
		Fields: []pageField{{"Code", "user_code", form.Get("user_code")}, {"Sign in as", "username", AgentUsername}}})
}
