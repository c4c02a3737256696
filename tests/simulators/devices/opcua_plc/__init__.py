"""The OPC UA PLC. Every gap of the library's own server, what closes it and the test that keeps it closed:

| gap of the library's server | closed by | test |
|---|---|---|
| policy None accepted though not offered | discovery only (`HardenedConnection.configured`) | `test_channels: policy_none_is_for_discovery_only…` |
| a refused channel is a hang | an ERR message, then the end (`HardenedProcessor.process`) | `test_channels: …refused_aloud` (all of them) |
| trust list only at CreateSession, if at all | at OpenSecureChannel (`TrustStore.check_client`) | `test_channels: the_trust_list_is_checked_when…` |
| application URI, channel's certificate unchecked | at CreateSession (`_check_application`) | `test_channels: the_certificate_must_name…`, `…made_with_the_channels…` |
| channels never expire, lifetime as asked, issued twice, weakened by renewal | `HardenedConnection.open`, `expired` | `test_channels: a_channel…`, `an_expired…` |
| session tokens are sequential | 32 random bytes | `test_sessions: tokens_and_session_numbers…` |
| the token of a request is not looked at | compared on every request (`_check_token`) | `test_sessions: a_request_needs_its_own_token…` |
| a failed activation attaches a foreign session | sessions are their channel's own | `test_sessions: a_stolen_token…`, `a_failed_activation…` |
| sessions and subscriptions outlive their connection | closed with it | `test_sessions: a_session_ends_with_its_channel` |
| `admin` with any password; anonymous is a user | `Gate`: only who is configured | `test_sessions: no_account_comes…`, `anonymous_comes_in_only…` |
| passwords in clear; ciphered ones replayable; RSA 1.5 | `Gate._password`, `_decrypted` | `test_sessions: a_password_in_clear…`, `…replayed`, `a_cipher…` |
| user certificates: any algorithm, no revocation | `Gate._admit_certificate` | `test_sessions: a_certificate…`, `a_revoked_persons…` |
| CurrentRead ignored; hooks leak by subscription | `HardenedSession.read_one` for read, sample and history | `test_access: the_role_matrix`, `a_subscription…`, `history…`, `the_read_bit…` |
| no rights on methods | `HardenedSession._call` | `test_access: the_role_matrix`, `method_rights…` |
| `UserRole.Admin` bypasses write bits and edits nodes | nobody has it; node management is not offered | `test_access: even_an_engineer…`, `no_user_is…` |
| subscriptions of other sessions may be changed | `SampledSubscriptions.owned` | `test_access: a_session_touches…` |
| no lock-out, no client address | `LockoutTable` by address and (address, user) | `test_audit: a_user_is_locked_out…`, `the_process_account…` |
| no audit | `AuditTrail`: file, lab's log, events | `test_audit: the_trail…`, `audit_events…` |
| no cap by user or address | `check_user_room`, `admits_connection` | `test_sessions: sessions_are_capped…`, `connections…` |
| lengths believed (negative, nulls, matrices) | `StrictBuffer`, `preload` | `test_hostile: lengths_that_lie…` |
| chunks, messages, queues, answers unbounded | `HardenedProtocol` | `test_hostile: a_chunks_size…`, `a_message_without_end…`, `a_peer_that_never_reads…` |
| one request may hold the loop for seconds | limits on operations, `FastView` | `test_hostile: too_many_operations…`, `a_flood…` |
| a logger kept for every subscription ever made | one subscription number for the library | `test_hostile: subscriptions_that_come_and_go…` |
"""
