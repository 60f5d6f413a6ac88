"""What is planted into lines and loans, by what it is: the check that has to find it, and how."""

#: An open loan that has been paid on, one that is overdue, a payment, and their keys.
OPEN = "(SELECT min(loan_id) FROM lending.loan WHERE status = 'open')"
LATE = (
    "(SELECT min(loan_id) FROM lending.instalment WHERE settled_on IS NULL AND penal "
    "AND principal_paid_minor < principal_minor)"
)
#: A payment that stands and still counts: its loan is open, and nothing of it was taken back.
PAID = (
    "(SELECT min(transaction_id) FROM lending.loan_transaction WHERE kind = 'repayment' "
    "AND loan_id IN (SELECT loan_id FROM lending.loan WHERE status = 'open') "
    "AND loan_id NOT IN (SELECT loan_id FROM lending.loan_transaction WHERE kind = 'reversal'))"
)
LINE = "(SELECT min(line_id) FROM lending.credit_line WHERE principal_minor > 0)"
PAYOUT = "(SELECT min(payment_id) FROM payments.payment WHERE status = 'succeeded')"

PLANTED_IN_LOANS: dict[str, tuple[str, str]] = {
    # loan_checkpoints
    "a checkpoint that was altered": (
        "loan_checkpoints",
        (
            "UPDATE lending.fold_checkpoint SET state = replace(state, "
            "'\"accrued_interest_e8\":', '\"accrued_interest_e8\":1') "
            "WHERE loan_id = (SELECT max(loan_id) FROM lending.fold_checkpoint)"
        ),
    ),
    "a checkpoint that passes over a transaction": (
        "loan_checkpoints",
        (
            "UPDATE lending.fold_checkpoint SET rows_from = booked_through + 1 "
            "WHERE rows_from <= booked_through"
        ),
    ),
    # cost_sheets
    "a cost sheet that was altered": (
        "cost_sheets",
        (
            "UPDATE lending.cost_sheet SET sheet = sheet || ' ' "
            "WHERE loan_id = (SELECT min(loan_id) FROM lending.cost_sheet)"
        ),
    ),
    "a cost sheet of another loan": (
        "cost_sheets",
        (
            "UPDATE lending.cost_sheet SET sheet = sheet || ' ', "
            "sheet_sha256 = sha256(convert_to(sheet || ' ', 'UTF8')) WHERE loan_id = "
            "(SELECT min(loan_id) FROM lending.cost_sheet WHERE cause = 'drawdown')"
        ),
    ),
    # charges
    "a fee that was not agreed to": (
        "charges",
        (
            "UPDATE lending.loan_transaction SET fee_minor = 1, "
            f"principal_minor = principal_minor - 1 WHERE transaction_id = {PAID}"
        ),
    ),
    # destroyed_keys
    "a key that outlived its erasure": (
        "destroyed_keys",
        (
            "INSERT INTO privacy.retention (customer_id, data_class, ended_on, state, changed_at)"
            " SELECT min(customer_id), 'identity', '2010-01-01', 'erased',"
            " now() + interval '9 years'"
            " FROM privacy.data_key WHERE purpose = 'identity'"
        ),
    ),
    # references
    "a loan without its line": (
        "references",
        f"DELETE FROM lending.credit_line WHERE line_id = {LINE}",
    ),
    "an instalment without a loan": (
        "references",
        f"UPDATE lending.instalment SET loan_id = 1 WHERE loan_id = {LATE}",
    ),
    "a transaction without a loan": (
        "references",
        f"UPDATE lending.loan_transaction SET loan_id = 1 WHERE transaction_id = {PAID}",
    ),
    "a transaction of another line": (
        "references",
        f"UPDATE lending.loan_transaction SET line_id = 1 WHERE transaction_id = {PAID}",
    ),
    "a change of a line that does not exist": (
        "references",
        f"UPDATE lending.line_event SET line_id = 1 WHERE line_id = {LINE} AND version = 1",
    ),
    "a credit return without its line": (
        "references",
        "UPDATE lending.credit_return SET line_id = 1",
    ),
    # loans
    "a loan of a product that nobody knows": (
        "loan_state",
        f"UPDATE lending.loan SET product_version = 99 WHERE loan_id = {OPEN}",
    ),
    "a loan whose money never left": (
        "loan_state",
        f"DELETE FROM lending.loan_transaction WHERE loan_id = {OPEN}",
    ),
    "a rate that was changed afterwards": (
        "loan_state",
        f"UPDATE lending.loan SET rate_daily_e8 = rate_daily_e8 + 1000 WHERE loan_id = {LATE}",
    ),
    "a payment that was made larger": (
        "loan_state",
        (
            "UPDATE lending.loan_transaction SET amount_minor = amount_minor + 1, "
            f"principal_minor = principal_minor + 1 WHERE transaction_id = {PAID}"
        ),
    ),
    "a value date that was moved": (
        "loan_state",
        (
            "UPDATE lending.loan_transaction SET value_date = value_date + 1 WHERE kind = "
            f"'disbursement' AND loan_id = {OPEN}"
        ),
    ),
    "an instalment that is missing": (
        "loan_instalments",
        f"DELETE FROM lending.instalment WHERE loan_id = {LATE}",
    ),
    "an instalment that never fell due": (
        "loan_instalments",
        (
            "INSERT INTO lending.instalment SELECT customer_id, loan_id, 59, due_date, "
            "principal_minor, interest_minor, 0, 0, false, NULL FROM lending.instalment "
            f"WHERE loan_id = {LATE} LIMIT 1"
        ),
    ),
    # parts
    "parts that do not sum to the amount": (
        "transaction_parts",
        (
            "UPDATE lending.loan_transaction SET principal_minor = principal_minor - 1 "
            f"WHERE transaction_id = {PAID}"
        ),
    ),
    "parts that were shifted": (
        "transaction_parts",
        (
            "UPDATE lending.loan_transaction SET principal_minor = principal_minor - 1, "
            f"interest_minor = interest_minor + 1 WHERE transaction_id = {PAID}"
        ),
    ),
    "a gap in a history": (
        "transaction_parts",
        (
            "UPDATE lending.loan_transaction SET sequence = sequence + 7 WHERE kind = "
            f"'disbursement' AND loan_id = {OPEN}"
        ),
    ),
    # lines
    "principal that no loan owes": (
        "line_sums",
        (
            f"UPDATE lending.credit_line SET principal_minor = principal_minor + 1 "
            f"WHERE line_id = {LINE}"
        ),
    ),
    "a hold of no drawdown": (
        "line_sums",
        f"UPDATE lending.credit_line SET held_minor = 100 WHERE line_id = {LINE}",
    ),
    "a credit that nobody paid": (
        "line_sums",
        f"UPDATE lending.credit_line SET credit_minor = credit_minor + 1 WHERE line_id = {LINE}",
    ),
    "credit on its way that nobody asked for": (
        "line_sums",
        f"UPDATE lending.credit_line SET returning_minor = 1 WHERE line_id = {LINE}",
    ),
    "returned credit that is still kept": (
        "line_sums",
        "UPDATE lending.credit_return SET status = 'failed'",
    ),
    "used credit that is called money from outside": (
        "line_sums",
        "UPDATE lending.loan_transaction SET channel = 'transfer' WHERE channel = 'credit'",
    ),
    "a version that nothing made": (
        "line_versions",
        f"UPDATE lending.credit_line SET version = version + 1000 WHERE line_id = {LINE}",
    ),
    "a version that was lost": (
        "line_versions",
        f"UPDATE lending.credit_line SET version = 1 WHERE line_id = {LINE}",
    ),
    "a change under a version of its own": (
        "line_versions",
        f"UPDATE lending.line_event SET version = 500 WHERE line_id = {LINE} AND version = 1",
    ),
    "an expired freeze that still blocks": (
        "line_measures",
        (
            "WITH frozen AS (UPDATE lending.credit_line SET status = 'frozen', frozen_until = NULL,"
            f" status_reason = 'VERIFY' WHERE line_id = {LINE} RETURNING customer_id, line_id)"
            " INSERT INTO decisioning.line_measure (customer_id, measure_id, line_id, kind, status,"
            " cause, reasons, author, announced_at, effective_on, ends_on, currency, from_minor,"
            " ended_at, ended_on, ended_by) SELECT customer_id, 1, line_id, 'freeze', 'ended',"
            " 'fraud_signal', '{VERIFY}', 'rule', now(), '2026-01-05', '2026-01-06', 'CNY', 1,"
            " now(), '2026-01-07', 'time' FROM frozen"
        ),
    ),
    "a suspension in force on a line that is active": (
        "line_measures",
        (
            "INSERT INTO decisioning.line_measure (customer_id, measure_id, line_id, kind, status,"
            " cause, reasons, author, announced_at, effective_on, currency, from_minor)"
            " SELECT customer_id, 2, line_id, 'suspend', 'in_force', 'instalment_missed',"
            " '{DLQ_NOW}', 'rule', now(), '2026-01-05', 'CNY', 1 FROM lending.credit_line"
            " WHERE status = 'active' ORDER BY line_id LIMIT 1"
        ),
    ),
    # caps
    "a loan above the cap of its licence": (
        "rule_caps",
        f"UPDATE lending.loan SET rate_daily_e8 = 58952 WHERE loan_id = {OPEN}",
    ),
    "fees that lift a loan above the cap": (
        "rule_caps",
        (
            'UPDATE lending.loan SET fees = \'[{"code":"opening","name_en":"Opening fee",'
            '"name_zh":"开通费","payee":"lender","timing":"first_instalment",'
            '"basis":"fixed","amount_minor":9000000,"share_e8":0,"cap_minor":null}]\''
            f" WHERE loan_id = {OPEN}"
        ),
    ),
    "a loan of a day for which no cap is known": (
        "rule_caps",
        f"UPDATE lending.loan SET requested_on = '2025-09-30' WHERE loan_id = {OPEN}",
    ),
    "a limit above the pack's": (
        "rule_caps",
        f"UPDATE lending.credit_line SET limit_minor = 20000001 WHERE line_id = {LINE}",
    ),
}
