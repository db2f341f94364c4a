package selftest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"offhook/crm"
	"offhook/crm/post"
	"offhook/crm/salesforce"
)

// checks are the whole self test, in order: first what only reads.
func checks() []check {
	return []check{
		{name: "sign-in", run: signIn},
		{name: "version", needs: []string{"sign-in"}, run: version},
		{name: "limits", needs: []string{"version"}, run: limits},
		{name: "objects", needs: []string{"version"}, run: objects},
		{name: "permissions", needs: []string{"objects"}, run: permissions},
		{name: "task type", needs: []string{"objects"}, run: taskType},
		{name: "layout", needs: []string{"version"}, run: softphoneLayout},
		{name: "device flow", needs: []string{"sign-in"}, run: deviceFlow},
		{name: "create", needs: []string{"objects"}, writes: true, run: createPeople},
		{name: "new lead", needs: []string{"objects"}, writes: true, run: createLead},
		{name: "spellings", needs: []string{"create"}, writes: true, run: spellings},
		{name: "pop", needs: []string{"create"}, writes: true, run: popCard},
		{name: "log", needs: []string{"create", "permissions"}, writes: true, run: logCall},
		{name: "log again", needs: []string{"log"}, writes: true, run: logAgain},
		{name: "amend", needs: []string{"log"}, writes: true, run: amend},
		{name: "amend by key", needs: []string{"log"}, writes: true, run: upsertSubtype},
		{name: "shared id", needs: []string{"log"}, writes: true, run: sharedID},
		{name: "lead and what", needs: []string{"new lead", "permissions"}, writes: true, run: leadWhat},
		{name: "new status", needs: []string{"version"}, run: memberStatus},
		{name: "index", needs: []string{"create"}, writes: true, run: index},
		{name: "phone search", needs: []string{"index"}, writes: true, run: phoneSearch},
		{name: "scan", needs: []string{"create"}, writes: true, run: scan},
		{name: "lookup", needs: []string{"create"}, writes: true, run: lookup},
	}
}

func signIn(ctx context.Context, t *test) Result {
	u, err := t.sf.Prove(ctx)
	if err != nil {
		return failed(err)
	}
	if u, err = t.sf.Agent(ctx); err != nil {
		return failed(err)
	}
	t.user = u
	where := hostOf(t.sf.InstanceURL())
	if o, err := t.sf.Org(ctx); err == nil {
		where = o.Name + ", " + where
	}
	return ok("%s in %s", u.Username, where)
}

func version(ctx context.Context, t *test) Result {
	v, err := t.sf.Version(ctx)
	if err != nil {
		return failed(err)
	}
	t.api = v
	return ok("API v%s", v)
}

func limits(ctx context.Context, t *test) Result {
	l, err := t.sf.Limits(ctx)
	if err != nil {
		return failed(err)
	}
	d, known := l["DailyApiRequests"]
	if !known || d.Max <= 0 {
		return failedAs("Salesforce names no DailyApiRequests")
	}
	return ok("%d of %d API calls are left today; this test uses about 60", d.Remaining, d.Max)
}

// used are the objects that a desk uses, the ones without which it is none first.
func used() []string {
	return []string{"Task", "Contact", "Lead", "Account", "Case", "Opportunity", "User", "CampaignMember"}
}

func objects(ctx context.Context, t *test) Result {
	var seen, gone []string
	for _, o := range used() {
		t.sf.Forget(salesforce.Ident(o))
		d, err := t.sf.Describe(ctx, salesforce.Ident(o))
		switch k := salesforce.KindOf(err); {
		case err == nil:
			t.desc[o] = d
			seen = append(seen, fmt.Sprintf("%s %d", o, len(d.Fields)))
		case k == salesforce.KindUnlicensed || k == salesforce.KindStale:
			gone = append(gone, o)
		default:
			return failed(err)
		}
	}
	if t.desc["Task"] == nil {
		return failedAs("this user may not see Tasks; offhook doctor says what to do")
	}
	said := "fields: " + strings.Join(seen, ", ")
	if gone != nil {
		said += "; not there: " + strings.Join(gone, ", ")
	}
	return ok("%s", said)
}

func permissions(ctx context.Context, t *test) Result {
	var can, not []string
	for _, o := range []string{"Task", "Contact", "Lead", "Account"} {
		if d := t.desc[o]; d != nil && d.Createable {
			can = append(can, o)
		} else {
			not = append(not, o)
		}
	}
	org, err := post.Preflight(ctx, t.sf)
	if err != nil {
		return failed(err)
	}
	t.org = org
	switch {
	case slices.Contains(not, "Task"):
		return failedAs("this user may not create Tasks; offhook doctor says what to do")
	case not != nil:
		return ok("may create %s; not %s", strings.Join(can, ", "), strings.Join(not, ", "))
	}
	return ok("may create %s; Tasks are closed as %s", strings.Join(can, ", "), org.Settings(t.o.Task).Status)
}

func yesNo(b bool) string {
	if b {
		return crm.Yes
	}
	return crm.No
}

func taskType(_ context.Context, t *test) Result {
	f, there := t.desc["Task"].Field("Type")
	if there && f.Createable {
		return settled(crm.AskTaskType, crm.Yes, "", "Task.Type is there and may be filled")
	}
	return settled(crm.AskTaskType, crm.No, "", "Task.Type may not be filled: records go without it")
}

func softphoneLayout(ctx context.Context, t *test) Result {
	l, err := t.sf.DescribeSoftphoneLayout(ctx)
	var fault *salesforce.SOAPError
	switch {
	case errors.As(err, &fault):
		return settled(crm.AskSoftphoneLayout, crm.No, fault.Error(), "describeSoftphoneLayout is refused (%s): import the layout from a file", or(fault.Code, fmt.Sprint(fault.Status)))
	case err != nil:
		return failed(err)
	}
	return settled(crm.AskSoftphoneLayout, crm.Yes, l.Name, "describeSoftphoneLayout hands out %q with %s", l.Name, plural(len(l.CallTypes), "call type"))
}

func deviceFlow(ctx context.Context, t *test) Result {
	if t.o.App.ClientID == "" {
		return skipped("no app is named")
	}
	_, err := t.o.App.StartDevice(ctx) // nobody enters the code: it expires by itself
	var auth *salesforce.AuthError
	switch {
	case err == nil:
		return settled(crm.AskDeviceFlow, crm.Yes, "", "the app offers the device flow")
	case errors.As(err, &auth) && salesforce.KindOf(err) == salesforce.KindAuth:
		return settled(crm.AskDeviceFlow, crm.No, strings.TrimSpace(auth.Code+" "+auth.Description), "the app does not offer the device flow (%s)", auth.Code)
	}
	return failed(err)
}

// memberStatus asks whether a campaign may be given a status. It is tried only where the description promises it, on a campaign of
// our own.
func memberStatus(ctx context.Context, t *test) Result {
	d, err := t.sf.Describe(ctx, "CampaignMemberStatus")
	switch k := salesforce.KindOf(err); {
	case k == salesforce.KindUnlicensed || k == salesforce.KindStale:
		return settled(crm.AskMemberStatus, crm.No, "no such object", "this user sees no statuses of campaigns: none can be added")
	case err != nil:
		return failed(err)
	case !d.Createable:
		return settled(crm.AskMemberStatus, crm.No, "the description says that it cannot be created", "a campaign cannot be given a new status over REST")
	case t.o.ReadOnly:
		return skipped("the description says that a campaign can be given a new status; it was not tried")
	}
	c, err := t.sf.Describe(ctx, "Campaign")
	if err != nil || !c.Createable {
		return skipped("this user may not create a campaign to try it on")
	}
	t.desc["Campaign"], t.desc["CampaignMemberStatus"] = c, d
	id, err := t.create(ctx, "Campaign", map[string]any{"Name": t.marker})
	if err != nil {
		return failed(err)
	}
	_, err = t.sf.Create(ctx, "CampaignMemberStatus", map[string]any{"CampaignId": id, "Label": "Selftest", "SortOrder": 99}, nil) // goes with its campaign
	if api, refused := errors.AsType[*salesforce.APIError](err); refused {
		return settled(crm.AskMemberStatus, crm.No, api.Code+" "+api.Message, "a campaign cannot be given a new status over REST (%s)", api.Code)
	}
	if err != nil {
		return failed(err)
	}
	return settled(crm.AskMemberStatus, crm.Yes, "", "a campaign can be given a new status over REST")
}
