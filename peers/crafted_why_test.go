//go:build unix

package peers

// reason is why a crafted request is not answered as pjproject's tests expect.
type reason struct {
	code    int  // that is meant instead
	foreign bool // it asks for what this phone does not offer
	reason  string
}

// craftedApart are the requests that are meant to be answered otherwise, or that ask for what this phone does not offer.
var craftedApart = func() map[string]reason {
	all := map[string]reason{}
	add := func(code int, foreign bool, why string, files ...string) {
		for _, f := range files {
			all[f] = reason{code, foreign, why}
		}
	}
	add(405, true, "a telephone, no register server: REGISTER is not taken", "001_torture_4475_3_1_1_4")
	add(488, false, "a description without any sound can be read, but not be met", "152_err_sdp_no_media")
	add(400, false, "a Replaces without to-tag and from-tag cannot be read (RFC 3891 §6.1)", "161_err_replaces_dlg_not_found")
	add(200, true, "the shortest interval is that of RFC 4028, and no setting", "174_timer_se_too_small")
	add(200, true, "no setting leaves RTCP out of the checks: its address is among no candidates, and the answer says so (ice-mismatch)", "200_ice_success_4")
	add(200, false, "the offer is of sound in the clear (RTP/AVP); a key that cannot be used is passed over where protection is optional",
		"300_srtp_invalid_crypto_tag_non_numeric", "300_srtp_receive_no_key_1", "300_srtp_receive_no_key_2", "300_srtp_receive_no_key_3")
	add(200, false, "two keys of one number are of two suites, and the answer names the suite", "300_srtp_duplicated_crypto_tag")
	add(488, false, "488 is the status for descriptions that cannot be met (RFC 3261 §21.4.26)", "320_srtp2_no_crypto", "323_srtp2_receive_too_long_key", "323_srtp2_unsupported_crypto")
	add(200, false, "the key in the offer is used: the call is protected, as demanded, under either profile", "321_srtp2_recv_avp")
	add(400, false, "no Contact is of SIP: the fault is the request's", "361_non_sip_uri")
	add(489, true, "who is present is not told", "363_non_sip_uri_subscribe")
	add(488, true, "the codec is not offered", "400_fmtp_g7221_with_bitrate", "401_fmtp_g7221_with_bitrate_24000", "401_fmtp_g7221_with_bitrate_32000",
		"402_fmtp_g7221_uwb_with_bitrate", "402_fmtp_g7221_uwb_with_bitrate_24000", "402_fmtp_g7221_uwb_with_bitrate_32000", "402_fmtp_g7221_uwb_with_bitrate_48000",
		"410_fmtp_amrnb_offer_octet_align", "411_fmtp_amrnb_offer_band_eff", "412_fmtp_amrnb_offer_band_eff2", "413_fmtp_amrwb_offer_octet_align",
		"414_fmtp_amrwb_offer_band_eff", "415_fmtp_amrwb_offer_band_eff2")
	return all
}()
