package caller

import (
	"testing"

	"offhook/internal/text"
	"offhook/sip/transaction"
)

func clean(s string) text.Text { return text.Clean(s) }

func address(t *testing.T, s string) transaction.Address {
	t.Helper()
	a, err := transaction.ParseAddress(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}
