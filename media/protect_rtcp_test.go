package media

import (
	"bytes"
	"testing"

	"github.com/pion/rtcp"
)

func TestReportsWithShortTagsAreReadAndAnsweredInKind(t *testing.T) {
	for _, suite := range Suites() {
		for _, mki := range [][]byte{nil, {1, 2}} {
			k := testKey(suite, 1)
			k.MKI = mki
			plain, err := rtcp.Marshal([]rtcp.Packet{&rtcp.ReceiverReport{SSRC: 5}, rtcp.NewCNAMESourceDescription(5, "x")})
			if err != nil {
				t.Fatal(err)
			}
			out, in := must(newOutbound(*k)), must(newInbound(*k))
			long, _ := out.protectRTCP(plain)
			if got, v := in.openRTCP(long); v != openedFine || !bytes.Equal(got, plain) || in.sendsShort() {
				t.Errorf("%s: a report as it should be is %v", suite, v)
			}
			long, _ = out.protectRTCP(plain)
			short := long[:len(long)-fullTag+shortTag]
			takes := suite[len(suite)-3:] == "_32"
			for i := range short {
				bad := bytes.Clone(short)
				bad[i] ^= 4
				if _, v := in.openRTCP(bad); v != openedNot {
					t.Errorf("%s: with octet %d forged it is %v", suite, i, v)
				}
			}
			if got, v := in.openRTCP(short); (v == openedFine) != takes || in.sendsShort() != takes || takes && !bytes.Equal(got, plain) {
				t.Errorf("%s: a report with a short tag is %v", suite, v)
			}
			if _, v := in.openRTCP(short); takes && v != openedTwice {
				t.Errorf("%s: replayed it is %v", suite, v)
			}
			for n := range 30 {
				in.openRTCP(short[:n])
			}
		}
	}
}
