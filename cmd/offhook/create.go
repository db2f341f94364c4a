package main

import (
	"context"
	"encoding/json"
	"fmt"

	"offhook/config"
	"offhook/crm"
	"offhook/crm/ledger"
	"offhook/desk"
)

// createSettings are the desk's part of the settings about records that calls make. An error names what is wrong.
func createSettings(c config.Create, settings func() crm.TaskSettings, set *desk.Settings) error {
	if err := c.Check(); err != nil {
		return fmt.Errorf("create.objects: %w", err)
	}
	for _, o := range c.CreateRules() {
		fill, err := crm.ParseFill(o.Fields)
		if err != nil {
			return fmt.Errorf("create.objects: %s: %w", o.Object, err)
		}
		if o.Mode == "manual" {
			if o.Per == "unknown" {
				set.NoMatch = o.Object
			}
			continue
		}
		set.Create = append(set.Create, desk.AutoCreate{Object: o.Object, Trigger: desk.CreateTrigger(o.Trigger), Unknown: o.Per == "unknown",
			Fields: func(rec crm.CallRecord) map[string]string { return fill.Values(rec, settings()) }})
	}
	fill, err := crm.ParseFill(c.UpdateFields)
	if err != nil {
		return fmt.Errorf("create.update_fields: %w", err)
	}
	set.Spam, set.Update = c.Spam, crm.UpdatePolicy(c.Update)
	set.UpdateFields = func(rec crm.CallRecord) map[string]string { return fill.Values(rec, settings()) }
	return nil
}

// checkCreate finds settings about created records that cannot be meant.
func checkCreate(c config.Create, say func(section string, err error)) {
	if err := createSettings(c, func() crm.TaskSettings { return crm.TaskSettings{} }, &desk.Settings{}); err != nil {
		say("create", err)
	}
}

// createAuto makes the records of calls and tells the desk of them.
func (o *org) createAuto() crm.ErrandFunc {
	run := o.directory.CreateAuto(o.ledger)
	return func(ctx context.Context, e ledger.Errand) (string, error) {
		result, err := run(ctx, e)
		var order crm.CreateOrder
		if err == nil && json.Unmarshal(e.Payload, &order) == nil {
			o.lists.tell(desk.RecordsMade{Call: desk.CallKey(order.Call), Made: crm.Made(result)})
		}
		return result, err
	}
}
