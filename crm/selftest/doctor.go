package selftest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"offhook/crm"
	"offhook/crm/lacks"
	"offhook/crm/layout"
	"offhook/crm/salesforce"
	"offhook/internal/checkup"
	"offhook/internal/text"
)

// Wants is what the settings want of the org.
type Wants struct {
	Task        crm.TaskSettings
	Mapped      []string       // Task fields of sip.data
	Layout      *layout.Layout // nil: offhook's own objects
	NoMatch     string         // object of the New form where the layout names none; "" for Lead
	Creates     []string       // objects of [create]
	Campaigns   bool           // campaigns or members' statuses are used
	NewStatuses bool           // campaigns.new_statuses
	LeadObject  string         // of the job leads …
	LeadKey     string         // … and its external id field; "" for none
	Voice       bool           // record.target wants voice calls
	Attach      bool           // recordings are attached
	ByKey       bool           // the sign-in is by key: the clock matters
	Person      bool           // a person signed in, so a refresh token is needed
	Settled     string         // the oldest API version with which a self test has settled this org; "" for none
	Strict      bool           // … and found that the phone search keeps numbers as they are typed
	Scan        []string       // salesforce.scan
	Now         func() time.Time
}

// maxSkew is how far two clocks may be apart before anybody is bothered.
const maxSkew = time.Minute

// keySkew is what a sign-in by key survives: its assertion lives for three minutes.
const keySkew = 3 * time.Minute

// examination is one look at an org.
type examination struct {
	sf    *salesforce.Client
	wants Wants
	rules checkup.Rules
	out   checkup.Section
	user  salesforce.UserInfo
	seen  map[string]*salesforce.Describe
	err   error // why something could not be asked, which is not that it is not there
}

// Examine reads what the signed-in user may see and do in the org, and returns what is well and what is not. It changes nothing, and
// makes about twenty API calls. Nothing it meets is an error: everything is a finding.
func Examine(ctx context.Context, sf *salesforce.Client, w Wants) checkup.Section {
	if w.Now == nil {
		w.Now = time.Now
	}
	x := &examination{sf: sf, wants: w, rules: lacks.Rules(), out: checkup.Section{Name: "Salesforce"}, seen: map[string]*salesforce.Describe{}}
	if !x.access(ctx) {
		return x.out
	}
	known := len(x.out.Findings)
	x.records(ctx)
	if x.err != nil { // whoever was not answered knows nothing about permissions
		x.out.Findings = x.out.Findings[:known]
		x.noAccess(x.err)
	}
	return x.out
}

// hidden reports that Salesforce said that something is not there for this user. Any other failure, such as an org that is busy, says
// nothing about that and is remembered.
func (x *examination) hidden(err error) bool {
	switch salesforce.KindOf(err) {
	case salesforce.KindUnlicensed, salesforce.KindStale, salesforce.KindForbidden, salesforce.KindField:
		return true
	case salesforce.KindNone:
		return false
	}
	if x.err == nil {
		x.err = err
	}
	return false
}

func (x *examination) find(id string, pairs ...string) { x.out.Find(x.rules.Get(id).With(pairs...)) }

// access proves the sign-in, and reports whether it makes sense to go on.
func (x *examination) access(ctx context.Context) bool {
	user, err := x.sf.Prove(ctx)
	if err != nil {
		x.noAccess(err)
		return false
	}
	x.user = user
	version, err := x.sf.Version(ctx)
	if err != nil {
		x.noAccess(err)
		return false
	}
	if !user.Active {
		x.find("user.inactive", "user", user.Username)
	}
	if x.user, err = x.sf.Agent(ctx); err != nil {
		x.noAccess(err)
		return false
	}
	if _, err := x.sf.Objects(ctx); err != nil { // the first request that needs the API itself
		x.noAccess(err)
		return false
	}
	org, host := "", x.sf.InstanceURL()
	if u, err := url.Parse(host); err == nil {
		host = u.Host
	}
	if o, err := x.sf.Org(ctx); err == nil {
		org = o.Name + ", " + o.Edition
		if o.Sandbox {
			org += ", sandbox"
		}
		org = ", " + strings.TrimSuffix(org, ", ")
	}
	x.out.Fine(fmt.Sprintf("signed in as %s (%s%s)", x.user.Username, host, org))
	x.scopes(ctx)
	x.clock(ctx)
	x.budget(version)
	x.centre(ctx)
	return true
}

// noAccess says why nothing more can be asked.
func (x *examination) noAccess(err error) {
	line := salesforce.Line(err)
	if h, ok := salesforce.HintFor(err); ok && salesforce.KindOf(err) != salesforce.KindTransient {
		line = h.What
	}
	var (
		auth    *salesforce.AuthError
		api     *salesforce.APIError
		host    *salesforce.HostError
		version *salesforce.VersionError
	)
	unknown := x509.UnknownAuthorityError{}
	invalid := x509.CertificateInvalidError{}
	name := x509.HostnameError{}
	verify := &tls.CertificateVerificationError{}
	switch {
	case errors.As(err, &unknown), errors.As(err, &invalid), errors.As(err, &name), errors.As(err, &verify):
		x.find("net.tls", "host", or(hostOf(x.sf.InstanceURL()), "the sign-in server"), "why", inner(err))
	case errors.As(err, &host):
		x.find("net.host", "why", host.Error())
	case errors.As(err, &version):
		x.find("api.version", "why", text.Capital(version.Error()))
	case errors.Is(err, salesforce.ErrNoToken) && !errors.Is(err, salesforce.ErrOtherOrg):
		x.find("signin.none")
	case errors.As(err, &auth) && auth.Code == "no_such_agent":
		x.find("user.agent")
	case errors.As(err, &api) && (api.Has("API_DISABLED_FOR_ORG") || api.Has("API_CURRENTLY_DISABLED") || strings.Contains(api.Message, "not valid for use with the REST API")):
		x.find("api.disabled")
	case salesforce.KindOf(err) == salesforce.KindLimit:
		x.find("api.limit")
	case salesforce.KindOf(err) == salesforce.KindAuth, errors.Is(err, salesforce.ErrOtherOrg):
		x.refused(err, line)
	case salesforce.KindOf(err) == salesforce.KindTransient, salesforce.KindOf(err) == salesforce.KindCanceled:
		x.find("net.unreachable", "why", inner(err))
	case api == nil && auth == nil: // a file, a keyring, a command: they say what to do themselves
		x.find("signin.refused", "why", line, "do", "Correct that, then run offhook login")
	default:
		x.find("api.refused", "why", line)
	}
}

func (x *examination) refused(err error, line string) {
	do := "Run offhook login; when that is refused too, show this line to your administrator"
	if h, ok := salesforce.HintFor(err); ok {
		line, do = h.What, text.Capital(h.Do)
	} else {
		line, _, _ = strings.Cut(line, ": run offhook login")
	}
	x.find("signin.refused", "why", line, "do", do)
}

// inner is the heart of a wrapped error, without the address of the request.
func inner(err error) string {
	var tr *salesforce.TransportError
	if errors.As(err, &tr) {
		err = tr.Err
	}
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	var api *salesforce.APIError
	if errors.As(err, &api) {
		return strings.TrimSpace(fmt.Sprintf("%d %s", api.Status, api.Message))
	}
	return err.Error()
}

func hostOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// scopes looks for what the token may do. Salesforce does not always tell: then there is nothing to say.
func (x *examination) scopes(ctx context.Context) {
	t, err := x.sf.SignIn(ctx)
	if err != nil || t.Scope == "" {
		return
	}
	have := map[string]bool{}
	for _, s := range strings.Fields(t.Scope) {
		have[s] = true
	}
	if have["full"] {
		have["api"], have["id"], have["openid"] = true, true, true
	}
	if !have["api"] {
		x.find("signin.scope", "scope", "api", "means", "requests may be refused at any time")
	}
	if x.wants.Person && !have["refresh_token"] && !have["offline_access"] {
		x.find("signin.scope", "scope", "refresh_token", "means", "the agent must sign in again whenever the session ends")
	}
}

// clock compares the clocks, allowing for the time that the question took.
func (x *examination) clock(ctx context.Context) {
	at, took, err := x.sf.ServerTime(ctx)
	if err != nil {
		return
	}
	skew, direction := x.wants.Now().Sub(at), "ahead of"
	if skew < 0 {
		skew, direction = -skew, "behind"
	}
	said := skew.Round(time.Second).String()
	switch {
	case skew-took > keySkew && x.wants.ByKey:
		x.find("clock.key", "skew", said, "direction", direction)
	case skew-took > maxSkew:
		x.find("clock.skew", "skew", said, "direction", direction)
	default:
		x.out.Fine(fmt.Sprintf("the clocks agree; an answer takes %s", took.Round(time.Millisecond)))
	}
}

func (x *examination) budget(version string) {
	b := x.sf.Budget()
	if b.Tight() {
		x.find("api.budget", "percent", fmt.Sprint(int(b.Share()*100)), "used", fmt.Sprint(b.Used), "max", fmt.Sprint(b.Max))
		return
	}
	if b.Max > 0 {
		x.out.Fine(fmt.Sprintf("API v%s; %d of %d calls are used (%d %%)", version, b.Used, b.Max, int(b.Share()*100)))
	}
}

func (x *examination) centre(ctx context.Context) {
	m, err := crm.ReadMember(ctx, x.sf, x.user.UserID)
	switch {
	case err != nil && !x.hidden(err):
	case err != nil || !m.CentreKnown:
		x.find("centre.unknown")
	case !m.InCentre:
		x.find("centre.none")
	default:
		x.out.Fine("in the call centre " + m.Centre.Name.Or(text.Clean(m.Centre.ID)).String())
	}
	if !m.ProfileName.Empty() {
		x.out.Fine("profile " + m.ProfileName.String())
	}
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
