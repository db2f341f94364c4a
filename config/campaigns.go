package config

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Dispositions are the results that an agent gives calls.
type Dispositions struct {
	Codes    []Disposition `key:"codes" doc:"The results to choose from: a list of {code, label, key, queue, status, callback}."`
	Required bool          `key:"required" default:"false" doc:"An answered call needs a result: it is asked for at the end, and the work list waits for it."`
}

// Disposition is one line of dispositions.codes.
type Disposition struct {
	Code     string `key:"code" doc:"Short name, once in the list, as sale."`
	Label    string `key:"label" doc:"What you read, and what stands in the Task as Call Result; empty: the code."`
	Key      string `key:"key" doc:"Digit that chooses it, 1 to 9."`
	Queue    string `key:"queue" doc:"Only for calls of this queue: the number or name that was called, or a value of sip.data. Empty: for all."`
	Status   string `key:"status" doc:"Status that a campaign member gets, by its text, as Responded. Empty: the member stays as it is."`
	Callback bool   `key:"callback" doc:"Asks when to call again, and makes an open Task with a reminder."`
}

// Campaigns are what calls are made for.
type Campaigns struct {
	List        []Campaign `key:"list" doc:"Campaigns: a list of {id, name, list, sync_from, statuses, log}."`
	Default     string     `key:"default" doc:"Id or name of the campaign of calls that belong to no other; empty: none."`
	NewStatuses bool       `key:"new_statuses" default:"false" doc:"Add a member status that a campaign lacks, where Salesforce allows it. Else the result is refused with one line."`
	Statuses    []string   `key:"statuses" doc:"The work list shows members with these statuses; empty: all."`
	Numbers     []string   `key:"numbers" default:"Phone,MobilePhone" doc:"Fields of a member's numbers, the one to call first in front."`
	DoNotCall   string     `key:"do_not_call" default:"warn" enum:"warn,block" doc:"Members who do not want to be called: warn asks before each call and notes it, block calls none of them."`
	LeadObject  string     `key:"lead_object" default:"Lead" doc:"Object that the job leads creates; a custom object may be named."`
	LeadKey     string     `key:"lead_key" doc:"External id field of that object: it holds the caller's number, so nobody is created twice. Needed by the job leads."`
}

// Campaign is one line of campaigns.list.
type Campaign struct {
	ID       string `key:"id" doc:"Id of the campaign, 701…; or give name."`
	Name     string `key:"name" doc:"Its name in Salesforce, which must be the only one."`
	List     string `key:"list" doc:"Name of the dialler's list, as a header of a call tells it (sip.data): such calls belong to the campaign."`
	SyncFrom bool   `key:"sync_from" doc:"The job leads creates leads for unknown callers of this campaign."`
	Statuses string `key:"statuses" doc:"Codes of the results that make an unknown caller a lead, with commas, as \"sale, interested\"."`
	Log      string `key:"log" doc:"Which calls of this campaign make a Task, with commas, as record.log says for all; empty: as there."`
}

// Sync is the schedules.
type Sync struct {
	Leads        string `key:"leads" doc:"When leads are created, by Salesforce's own notation: second minute hour day-of-month month day-of-week. Empty: only by offhook sync now."`
	Dispositions string `key:"dispositions" default:"0 0 * * * ?" doc:"When results that no campaign member was told of are looked for."`
	Callbacks    string `key:"callbacks" default:"0 0/10 * * * ?" doc:"When callbacks that were made or closed in Salesforce are looked for."`
}

// Callbacks is how callbacks are kept.
type Callbacks struct {
	Remind   time.Duration `key:"remind" default:"0s" doc:"How long before its time Salesforce reminds of a callback."`
	DayStart string        `key:"day_start" default:"09:00" doc:"Time of a callback for which only a day is said."`
}

// Words splits a text with commas.
func Words(s string) (out []string) {
	for w := range strings.SplitSeq(s, ",") {
		if w = strings.TrimSpace(w); w != "" {
			out = append(out, w)
		}
	}
	return out
}

// Start is DayStart as the time since midnight.
func (c Callbacks) Start() (time.Duration, error) {
	t, err := time.Parse("15:04", c.DayStart)
	if err != nil {
		return 0, fmt.Errorf("%q is not a time, as 09:00", c.DayStart)
	}
	return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute, nil
}

// checkCampaigns finds what cannot be meant in the sections about campaigns.
func (c Config) checkCampaigns(add func(key, format string, args ...any)) {
	seen, keys := map[string]bool{}, map[string]string{}
	for _, d := range c.Dispositions.Codes {
		code := strings.ToLower(strings.TrimSpace(d.Code))
		switch {
		case code == "":
			add("dispositions.codes", "a result has no code; write {code = \"sale\", label = \"Sale\", key = \"1\"}")
		case seen[code]:
			add("dispositions.codes", "%q is there twice", d.Code)
		case d.Key != "" && (len(d.Key) != 1 || d.Key[0] < '1' || d.Key[0] > '9'):
			add("dispositions.codes", "%q cannot choose %s: give a digit from 1 to 9", d.Key, d.Code)
		case len([]rune(d.Status)) > 40:
			add("dispositions.codes", "the status of %s is longer than Salesforce's 40 characters", d.Code)
		case d.Key != "":
			for _, queue := range []string{"", d.Queue} {
				if other, taken := keys[queue+"/"+d.Key]; taken {
					add("dispositions.codes", "%s is the key of %s and of %s", d.Key, other, d.Code)
					break
				}
			}
			keys[d.Queue+"/"+d.Key] = d.Code
		}
		seen[code] = true
	}
	for _, camp := range c.Campaigns.List {
		if camp.ID == "" && camp.Name == "" {
			add("campaigns.list", "a campaign has neither id nor name")
		}
		if camp.ID != "" && (len(camp.ID) != 15 && len(camp.ID) != 18 || !strings.HasPrefix(camp.ID, "701")) {
			add("campaigns.list", "%q is not the id of a campaign: it begins with 701 and has 15 or 18 characters", camp.ID)
		}
		for _, code := range Words(camp.Statuses) {
			if !seen[strings.ToLower(code)] {
				add("campaigns.list", "%q is no code of dispositions.codes", code)
			}
		}
		for _, action := range Words(camp.Log) {
			if !slices.Contains([]string{"answered", "missed", "declined", "cancelled", "transfer", "failed", "answered elsewhere"}, action) {
				add("campaigns.list", "no call is %q; there are: answered, missed, declined, cancelled, transfer, failed, answered elsewhere", action)
			}
		}
	}
	if c.Sync.Leads != "" && c.Campaigns.LeadKey == "" {
		add("campaigns.lead_key", "is needed by the job leads: without it one caller could become a lead twice")
	}
	if _, err := c.Callbacks.Start(); err != nil {
		add("callbacks.day_start", "%v", err)
	}
}
