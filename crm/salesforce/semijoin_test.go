package salesforce

import "testing"

func TestASemiJoinStandsAtTheTopOfWhere(t *testing.T) {
	roles := Select("OpportunityId").From("OpportunityContactRole").Where(Eq("ContactId", ID("003000000000001")))
	open := Eq("IsClosed", Bool(false))
	for want, q := range map[string]SOQL{
		"SELECT Id FROM Opportunity WHERE Id IN (SELECT OpportunityId FROM OpportunityContactRole WHERE ContactId = '003000000000001') AND IsClosed = FALSE": Select("Id").
			From("Opportunity").WhereAll(InSelect("Id", roles), open),
		"SELECT Id FROM Opportunity WHERE IsClosed = FALSE":                                Select("Id").From("Opportunity").WhereAll(Cond{}, open),
		"SELECT Id FROM Opportunity WHERE (Name = 'a' OR Name = 'b')":                      Select("Id").From("Opportunity").WhereAll(Or(Eq("Name", String("a")), Eq("Name", String("b")))),
		"SELECT Id FROM Opportunity WHERE (Name = 'a' OR Name = 'b') AND IsClosed = FALSE": Select("Id").From("Opportunity").WhereAll(Or(Eq("Name", String("a")), Eq("Name", String("b"))), open),
	} {
		if got, err := q.Build(); got != want || err != nil {
			t.Errorf("%s %v", got, err)
		}
	}
	if _, err := Select("Id").From("Opportunity").WhereAll(InSelect("Id", Select("x y").From("Case")), open).Build(); err == nil {
		t.Error("a bad name got into a query of a query")
	}
}
