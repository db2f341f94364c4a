package emulator

import (
	"fmt"
	"slices"
	"strings"
)

// personFields are the fields of a person account and where its contact has them.
var personFields = []struct{ account, contact string }{
	{"FirstName", "FirstName"}, {"LastName", "LastName"}, {"Salutation", "Salutation"}, {"Phone", "Phone"}, {"PersonMobilePhone", "MobilePhone"},
	{"PersonHomePhone", "HomePhone"}, {"PersonEmail", "Email"}, {"PersonTitle", "Title"}, {"PersonBirthdate", "Birthdate"}, {"OwnerId", "OwnerId"},
}

// preparePerson decides whether an account is a person, and refuses what the other sort has.
func (st *store) preparePerson(o *object, row, in map[string]any, old *record, w *writer) error {
	if o.name != "Account" || o.field("IsPersonAccount") == nil {
		return nil
	}
	person := row["IsPersonAccount"] == true
	if old == nil && !person {
		id, _ := row["RecordTypeId"].(string)
		_, t := st.typeOfRecord(o, id)
		person = id != "" && t != nil && t.person
		row["IsPersonAccount"] = person
	}
	if person && row["RecordTypeId"] == nil && o.field("RecordTypeId") != nil {
		if r := st.first("RecordType", nil, func(r *record) bool { return r.bool("IsPersonType") && r.str("SobjectType") == o.name }); r != nil {
			row["RecordTypeId"] = r.id
		}
	}
	var wrong []string
	for name, v := range in {
		one := strings.HasPrefix(name, "Person") || name == "FirstName" || name == "LastName" || name == "Salutation"
		if v != nil && (person && name == "Name" || !person && one) {
			wrong = append(wrong, name)
		}
	}
	if len(wrong) > 0 && !w.seed {
		slices.Sort(wrong)
		return badField("INVALID_FIELD_FOR_INSERT_UPDATE", "Account: bad field names on insert/update call: "+strings.Join(wrong, ", "), wrong...)
	}
	if !person {
		return nil
	}
	if row["LastName"] == nil && !w.seed {
		return badField("REQUIRED_FIELD_MISSING", "Required fields are missing: [LastName]", "LastName")
	}
	if row["LastName"] != nil {
		first, _ := row["FirstName"].(string)
		row["Name"] = strings.TrimSpace(fmt.Sprint(first, " ", row["LastName"]))
	}
	return nil
}

// contactOf makes or updates the contact that is the same person as an account.
func (st *store) contactOf(account *record, w *writer) error {
	if account.table.object.name != "Account" || account.fields["IsPersonAccount"] != true || account.str("LastName") == "" {
		return nil
	}
	body := make(map[string]any)
	for _, f := range personFields {
		body[f.contact] = account.fields[f.account]
	}
	quiet := &writer{user: w.user, seed: true, lag: w.lag}
	if contact := st.live(account.str("PersonContactId")); contact != nil {
		return st.update(contact, body, quiet)
	}
	body["AccountId"], body["IsPersonAccount"] = account.id, true
	contact, err := st.insert(st.schema.object("Contact"), body, quiet)
	if err != nil {
		return err
	}
	row := make(map[string]any, len(account.fields))
	for k, v := range account.fields {
		row[k] = v
	}
	row["PersonContactId"] = contact.id
	st.replace(account, row, w.lag)
	return nil
}
