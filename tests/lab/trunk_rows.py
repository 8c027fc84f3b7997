"""What a caller of livekit-sip sees, row by row, and the test that holds the embedded trunk to it."""

# ruff: noqa: E501 - a row is a line

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One row: what happens, what the caller sees, and where that is checked."""

    section: str
    stimulus: str
    outcome: str
    by: str
    """`module::test`, the module without `test_trunk_`; empty where the trunk differs."""

    @property
    def differs(self) -> bool:
        """Whether the trunk does something else, which `docs/trunk.md` then says."""
        return not self.by


ROWS = (
    Row("Normal call", "INVITE", "100 Processing, 180 Ringing, To tag SCL_ and 12 characters, order of headers", "call::test_a_call_hears_100_then_180_from_the_same_party"),
    Row("Normal call", "ringing", "180 every 1.000 s", "call::test_the_180_is_repeated_every_second"),
    Row("Normal call", "an audio track is subscribed", "200 with the captured SDP and headers", "call::test_a_call_is_answered_when_somebody_speaks_in_its_room"),
    Row("Normal call", "BYE", "200, RTP stops", "call::test_a_bye_ends_the_call_and_a_second_one_finds_none"),
    Row("Normal call", "Record-Route and two Vias", "echoed in responses, Route in the BYE", "messages::test_a_response_goes_back_the_way_the_request_came"),
    Row("Normal call", "Record-Route", "the BYE goes to the proxy", "endings::test_a_bye_follows_the_route_of_the_invite"),
    Row("Normal call", "no ACK", "200 at +0, +250, +750 ms; RTP 1.8 s after the first", "call::test_an_unacknowledged_200_is_sent_three_times"),
    Row("Normal call", "no ACK, RTP or none; ACK and no RTP", "BYE after 7.755 s, none while RTP comes, 30 s", "talk::test_a_silent_caller_is_hung_up_on_when_livekit_sip_would"),
    Row("Normal call", "INVITE sent again after the 200", "absorbed", "call::test_a_retransmitted_invite_is_no_second_call"),
    Row("Normal call", "Via without rport", "echoed, `rport` and `received` not filled in", ""),
    Row("CANCEL", "while ringing", "200 with another tag, 487 with the call's; a second CANCEL gets nothing", "call::test_a_call_taken_back_while_it_rings_gets_200_and_487"),
    Row("CANCEL", "right after the INVITE", "100, 180, 200, 487 once the room is joined", "endings::test_a_cancel_right_after_the_invite_waits_for_the_180"),
    Row("CANCEL", "an unknown branch", "no response", "call::test_a_cancel_of_no_call_is_not_answered"),
    Row("CANCEL", "after the 200", "no response, the call goes on", "endings::test_a_cancel_after_the_200_is_not_answered"),
    Row("CANCEL", "BYE while ringing", "200 to the BYE, no final response to the INVITE", "call::test_a_bye_while_ringing_ends_the_call_with_no_answer_to_the_invite"),
    Row("Ring timeout", "ringing_timeout", "486 Rejected, the time from the join, no Contact, no Allow", "call::test_a_call_nobody_takes_is_rejected_after_the_ringing_timeout"),
    Row("Ring timeout", "the same INVITE after the 486", "a new call", "endings::test_a_rejected_invite_that_is_sent_again_is_a_new_call"),
    Row("No match", "no trunk, or no rule", "100, one 180, nothing more", "call::test_a_number_without_trunk_or_rule_rings_once_and_falls_silent"),
    Row("No match", "allowed_numbers, allowed_addresses", "no trunk for others", "routing::test_a_trunk_takes_calls_only_from_whom_it_allows"),
    Row("No match", "a leading +", "optional in the To user", "routing::test_a_plus_before_a_number_does_not_matter"),
    Row("No match", "00, tel:, ;npdi", "no match", "routing::test_any_other_way_to_write_a_number_is_another_number"),
    Row("Password", "none; a wrong one", "100, 407 with the captured challenge, the same To tag, 401", "server::test_a_trunk_with_a_password_asks_for_it_and_says_no_to_a_wrong_one"),
    Row("Password", "the right one", "100, 180, 200", "sipp::test_a_caller_that_knows_the_password_is_answered"),
    Row("Password", "another uri in the digest", "accepted", "challenge::test_the_right_password_is_admitted_over_any_uri"),
    Row("Password", "wrong user or password", "401 Unauthorized", "challenge::test_a_wrong_user_or_password_is_unauthorized"),
    Row("Password", "credentials that do not parse", "401 Bad credentials", "challenge::test_credentials_that_cannot_be_read_are_bad"),
    Row("Password", "the nonce of another call", "401 Bad credentials", "challenge::test_a_proof_for_a_call_that_was_not_challenged_is_bad"),
    Row("Password", "an older nonce of the call", "401 Unauthorized", "challenge::test_only_the_newest_challenge_of_a_call_counts"),
    Row("SDP offers", "twenty that can be answered", "200: one codec, sendrecv, ptime 20, RTP/AVP, the first audio stream alone", "offers::test_an_offer_with_a_codec_of_ours_is_taken"),
    Row("SDP offers", "eight that cannot", "100, 180, 400 without a reason, and the same again", "offers::test_an_offer_with_nothing_to_take_is_400_without_a_reason"),
    Row("SDP offers", "Content-Type wrong or absent", "200", "offers::test_a_body_is_read_whatever_it_is_said_to_be"),
    Row("SDP offers", "c=IN IP6", "200 with IPv4, RTP to the IPv6 address", "offers::test_rtp_goes_to_an_ipv6_address"),
    Row("SDP offers", "media_encryption ALLOW or REQUIRE, RTP/SAVP", "RTP/SAVP and a=crypto:1", "offers::test_a_trunk_that_encrypts_answers_an_encrypted_offer_with_its_own_key"),
    Row("SDP offers", "media_encryption ALLOW or REQUIRE, RTP/AVP", "RTP/AVP; 400", "offers::test_a_plain_offer_is_refused_only_where_encryption_is_required"),
    Row("In-dialog, malformed", "eight re-INVITEs, each twice", "200 with the first SDP", "requests::test_a_reinvite_gets_the_first_answer_again"),
    Row("In-dialog, malformed", "re-INVITE with another port", "RTP moves", "call::test_a_reinvite_moves_the_rtp_and_changes_nothing_else"),
    Row("In-dialog, malformed", "INVITE with an unknown To tag", "a new call that keeps the tag", "requests::test_an_invite_of_an_unknown_dialog_is_a_new_call_that_keeps_its_tag"),
    Row("In-dialog, malformed", "INVITE again while ringing, another branch", "a second call", "requests::test_an_invite_in_a_new_transaction_while_ringing_is_a_second_call"),
    Row("In-dialog, malformed", "OPTIONS", "200 with nothing more", "requests::test_options_is_answered_whoever_is_asked_for"),
    Row("In-dialog, malformed", "nine other methods, in a call and out of any", "405 without Allow", "requests::test_a_method_the_trunk_has_no_use_for_is_405"),
    Row("In-dialog, malformed", "NOTIFY in a call", "501 unknown event", "requests::test_a_notify_in_a_call_is_of_an_unknown_event"),
    Row("In-dialog, malformed", "BYE or NOTIFY out of any", "400 without a tag, 481 with one", "server::test_a_request_inside_no_call_is_400_without_a_tag_and_481_with_one"),
    Row("In-dialog, malformed", "sixteen odd INVITEs", "100, 180", "requests::test_an_odd_invite_is_a_call_all_the_same"),
    Row("In-dialog, malformed", "no From, no From tag, no Call-ID", "400 Bad request with Allow", "server::test_an_invite_that_names_no_call_is_a_bad_request"),
    Row("In-dialog, malformed", "no Contact", "the BYE goes to the From URI", "messages::test_a_bye_to_a_caller_without_contact_goes_to_its_from_uri"),
    Row("In-dialog, malformed", "seven that cannot be answered", "no response", "requests::test_what_cannot_be_answered_is_not"),
    Row("In-dialog, malformed", "re-INVITE before the answer", "not determined", ""),
    Row("In-dialog, malformed", "more than 256 headers", "accepted", ""),
    Row("Room-side ends", "the agent leaves", "no BYE, RTP goes on as silence", "endings::test_an_agent_that_leaves_ends_nothing"),
    Row("Room-side ends", "the agent publishes again", "heard again", "endings::test_an_agent_that_publishes_again_is_heard_again"),
    Row("Room-side ends", "delete_room", "BYE in the captured form, again after 0.5 s", "call::test_a_room_that_is_deleted_ends_the_talk_with_a_bye"),
    Row("Room-side ends", "delete_room while ringing", "486 Rejected", "call::test_a_room_that_is_deleted_while_ringing_rejects_the_call"),
    Row("Room-side ends", "remove_participant(sip), ringing or not", "486 Rejected, BYE", "endings::test_a_caller_who_is_put_out_of_the_room_is_hung_up_on"),
    Row("Room-side ends", "BYE not answered", "11 sends up to 31.5 s", "endings::test_a_bye_is_sent_eleven_times"),
    Row("Room-side ends", "Contact elsewhere", "the BYE goes there", "endings::test_a_bye_goes_to_the_contact"),
    Row("Room-side ends", "the server goes away", "not determined; BYE at once, 503 to new calls", "program::test_a_server_that_goes_away_ends_its_calls"),
    Row("Media timeouts", "RTP stops, or never comes", "BYE after 15 s, 30 s", "talk::test_a_silent_caller_is_hung_up_on_when_livekit_sip_would"),
    Row("Media timeouts", "another payload type", "counts as media", "media::test_rtp_of_any_payload_type_counts_as_media"),
    Row("Media timeouts", "no RTP at all in the datagrams", "does not count", "media::test_what_is_no_rtp_does_not_count"),
    Row("RTP", "answered", "sequence and timestamp from 0, 160 bytes, 20 ms, no marker", "call::test_what_the_room_says_reaches_the_caller"),
    Row("RTP", "RTP from elsewhere", "taken, nothing is sent there", "endings::test_rtp_stays_at_the_address_of_the_sdp"),
    Row("RTP", "the caller speaks", "handed on packet by packet", ""),
    Row("SIP participant", "ringing", "identity, name, kind, metadata, attributes, room name", "call::test_the_room_sees_the_caller_as_livekit_sip_shows_one"),
    Row("SIP participant", "the caller's first RTP", "sip.callStatus active; the voice is heard in the room", "call::test_what_the_caller_says_reaches_the_room"),
    Row("Same From user twice", "individual rule", "two rooms, both calls live", "endings::test_two_calls_of_one_user_to_an_individual_rule_are_two_rooms"),
    Row("Same From user twice", "direct rule", "the second is answered, the first gets a BYE", "call::test_two_calls_of_one_user_to_a_direct_rule_put_the_first_out"),
    Row("Same From user twice", "direct rule, other users", "one room, both calls live", "endings::test_two_users_of_a_direct_rule_share_its_room"),
    Row("Headers and attributes", "X-Lk-Test-Id, headers_to_attributes", "lktest.id, my.other", "call::test_the_room_sees_the_caller_as_livekit_sip_shows_one"),
    Row("Headers and attributes", "include_headers", "sip.h.* while ringing", "endings::test_headers_become_attributes_where_the_trunk_wants_them"),
    Row("Headers and attributes", "headers, attributes_to_headers", "in the 200 alone", "endings::test_headers_of_the_trunk_and_attributes_stand_in_the_200_alone"),
    Row("TCP", "a call, hung up or cancelled", "as over UDP", "sipp::test_a_call_is_answered_and_hung_up"),
    Row("TCP", "refused", "100, 180, 400 on the connection, Contact with transport=tcp", "server::test_a_call_over_tcp_keeps_to_its_connection"),
    Row("TCP", "no ACK", "one 200, RTP 50 ms after it", "endings::test_over_tcp_rtp_waits_for_no_ack"),
    Row("TCP", "delete_room", "BYE on the connection", "endings::test_over_tcp_a_deleted_room_is_told_on_the_connection"),
    Row("TCP", "the connection closes in mid-call", "the call stays up", "endings::test_over_tcp_a_call_outlives_its_connection"),
    Row("Out of scope", "G.722, DTMF into the room", "supported", ""),
    Row("Out of scope", "a rule with a PIN, hide_phone_number, REJECT", "supported", ""),
    Row("Out of scope", "TLS", "supported", ""),
    Row("Out of scope", "a connection to the room that breaks", "resumed", ""),
)  # fmt: skip
"""In the order of the capture."""
