package salesforce

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"time"
)

// SignInClient signs in as the app itself (client credentials): Salesforce takes the one Run As user of the app. There is no
// refresh token; and records belong to that user unless an owner is named. It works at the org's My Domain only.
func (a App) SignInClient(ctx context.Context) (Token, error) {
	if a.Secret == nil {
		return Token{}, errors.New("the client credentials flow needs a secret: set salesforce.client_secret_command")
	}
	return a.grant(ctx, url.Values{"grant_type": {"client_credentials"}, "client_id": {a.ClientID}})
}

// Device is one sign-in by Salesforce's own device flow, which is older than RFC 8628 and differs from it: the person enters
// UserCode at URL on any machine, while Wait asks whether that was done.
type Device struct {
	UserCode string // short, to be typed
	URL      string // on Salesforce, checked
	app      App
	code     string
	interval time.Duration
	until    time.Time
}

// Defaults and bounds of the device flow.
const (
	deviceInterval = 5 * time.Second
	deviceLife     = 10 * time.Minute
	deviceLongest  = time.Hour
)

// StartDevice asks for a code to show.
func (a App) StartDevice(ctx context.Context) (*Device, error) {
	scopes := a.Scopes
	if scopes == "" {
		scopes = DefaultScopes
	}
	body, err := a.ask(ctx, url.Values{"response_type": {"device_code"}, "client_id": {a.ClientID}, "scope": {scopes}}, GrantDevice)
	if err != nil {
		return nil, err
	}
	var r struct {
		Code     string `json:"device_code"`
		UserCode string `json:"user_code"`
		URL      string `json:"verification_uri"`
		Interval int    `json:"interval"`
		Expires  int    `json:"expires_in"`
	}
	if err := json.Unmarshal(body, &r); err != nil || r.Code == "" || r.UserCode == "" || len(r.UserCode) > 64 {
		return nil, &AuthError{Code: "bad_reply", Description: "the sign-in server sent no device code", Status: http.StatusBadGateway, Grant: GrantDevice}
	}
	if err := checkPage(r.URL, a.Local); err != nil {
		return nil, err // a person is about to type a password there
	}
	d := &Device{UserCode: clip(r.UserCode), URL: r.URL, app: a, code: r.Code, interval: deviceInterval, until: a.now().Add(deviceLife)}
	if r.Interval > 0 {
		d.interval = min(time.Duration(r.Interval)*time.Second, time.Minute)
	}
	if r.Expires > 0 {
		d.until = a.now().Add(min(time.Duration(min(r.Expires, 86400))*time.Second, deviceLongest))
	}
	return d, nil
}

// Wait asks until the code was entered, refused or has expired. A network that is away for a moment ends nothing.
func (d *Device) Wait(ctx context.Context) (Token, error) {
	pause := d.app.Sleep
	if pause == nil {
		pause = sleep
	}
	for {
		if err := pause(ctx, d.interval); err != nil {
			return Token{}, err
		}
		t, err := d.app.grant(ctx, url.Values{"grant_type": {"device"}, "client_id": {d.app.ClientID}, "code": {d.code}})
		if err == nil {
			return t, nil
		}
		var auth *AuthError
		switch {
		case errors.As(err, &auth) && auth.Code == "authorization_pending":
		case errors.As(err, &auth) && auth.Code == "slow_down":
			d.interval = min(d.interval+deviceInterval, time.Minute)
		case KindOf(err) == KindTransient:
		default:
			return Token{}, err
		}
		if ctx.Err() != nil {
			return Token{}, ctx.Err()
		}
		if !d.app.now().Before(d.until) {
			return Token{}, &AuthError{Code: "expired_token", Description: "the device code has expired", Status: http.StatusBadRequest, Grant: GrantDevice}
		}
	}
}
