package config

import (
	"fmt"
	"slices"
	"strings"
)

// Create is what calls make and fill in by themselves.
type Create struct {
	Preset       string         `key:"preset" enum:",sales,support" doc:"sales: an unknown caller becomes a Lead when the call is answered. support: an unknown caller becomes a Contact, and each answered call a Case. Empty: only objects."`
	Objects      []CreateObject `key:"objects" doc:"Records to make: a list of {object, mode, trigger, per, fields}. A line for an object of the preset changes it."`
	Spam         []string       `key:"spam" default:"spam,scam" doc:"A call whose caller name, or a value of sip.data, contains one of these makes no record but its Task."`
	Update       string         `key:"update" default:"leave" enum:"leave,overwrite,add_only" doc:"What a call may change of the Contact or Lead that it belongs to: nothing, every field of update_fields, or those that are empty."`
	UpdateFields string         `key:"update_fields" doc:"Fields and their values, as \"Phone = {number}; Department = {var:Queue}\"; values as in create.objects."`
}

// CreateObject is one line of create.objects.
type CreateObject struct {
	Object  string `key:"object" doc:"API name of the object, as Lead, Case or Machine__c."`
	Mode    string `key:"mode" doc:"auto (default) makes it by itself; manual leaves it to n, which opens its form for unknown callers."`
	Trigger string `key:"trigger" doc:"ring, answer (default), end or voicemail: a call that ended without being answered."`
	Per     string `key:"per" doc:"unknown (default): for callers whom nobody in Salesforce is. call: for each inbound call."`
	Fields  string `key:"fields" doc:"Fields and their values, as \"LastName = {name} || {number}; Phone = {number}\"; the placeholders are those of record.description, and after || stands what is used when there is nothing."`
}

// CreateRules are the objects of the preset with the lines of create.objects put over them.
func (c Create) CreateRules() []CreateObject {
	var out []CreateObject
	switch c.Preset {
	case "sales":
		out = []CreateObject{{Object: "Lead", Fields: "LastName = {name} || {number}; Company = {name} || Unknown; Phone = {number}"}}
	case "support":
		out = []CreateObject{
			{Object: "Contact", Fields: "LastName = {name} || {number}; Phone = {number}"},
			{Object: "Case", Per: "call", Fields: "Subject = Call from {name} || Call from {number}; Origin = Phone; SuppliedPhone = {number}"},
		}
	}
	for _, o := range c.Objects {
		o.Object = strings.TrimSpace(o.Object)
		i := slices.IndexFunc(out, func(have CreateObject) bool { return strings.EqualFold(have.Object, o.Object) })
		if i < 0 {
			out = append(out, o)
			continue
		}
		have := &out[i]
		for _, p := range []struct{ to, from *string }{{&have.Mode, &o.Mode}, {&have.Trigger, &o.Trigger}, {&have.Per, &o.Per}} {
			if *p.from != "" {
				*p.to = *p.from
			}
		}
		if o.Fields != "" {
			have.Fields += ";" + o.Fields
		}
	}
	for i := range out {
		o := &out[i]
		for _, p := range []struct {
			to  *string
			def string
		}{{&o.Mode, "auto"}, {&o.Trigger, "answer"}, {&o.Per, "unknown"}} {
			if *p.to == "" {
				*p.to = p.def
			}
		}
	}
	return out
}

// Check finds lines that cannot be meant.
func (c Create) Check() error {
	for i, o := range c.CreateRules() {
		if o.Object == "" {
			return fmt.Errorf("line %d has no object", i+1)
		}
		for _, p := range []struct {
			name, value string
			may         []string
		}{{"mode", o.Mode, []string{"auto", "manual"}}, {"trigger", o.Trigger, []string{"ring", "answer", "end", "voicemail"}}, {"per", o.Per, []string{"unknown", "call"}}} {
			if !slices.Contains(p.may, p.value) {
				return fmt.Errorf("%s: %s cannot be %q; it is one of %s", o.Object, p.name, p.value, strings.Join(p.may, ", "))
			}
		}
		if o.Mode == "auto" && strings.TrimSpace(o.Fields) == "" {
			return fmt.Errorf("%s: fields says nothing, and Salesforce needs at least a name", o.Object)
		}
	}
	return nil
}
