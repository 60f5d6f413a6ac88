-- Versions of templates, reports on them, publications and retirements.

-- name: keep_template
-- A version under its content; the same again adds nothing.
-- locks   none
INSERT INTO contracts.template_version (sha256, code, version, document, kept_at)
VALUES (:sha256, :code, :version, :document, :kept_at)
ON CONFLICT DO NOTHING;

-- name: template_documents
-- The documents of a version that were put forward, the published one first, then the latest.
-- gives   one row a document
-- locks   none
SELECT kept.document
FROM contracts.template_version AS kept
LEFT JOIN contracts.template_publication AS made ON made.sha256 = kept.sha256
WHERE kept.code = :code AND kept.version = :version
ORDER BY made.publication_id NULLS LAST, kept.kept_at DESC, kept.sha256;

-- name: add_template_gate
-- What was found of a version.
-- locks   the version, shared
INSERT INTO contracts.template_gate (
    gate_id, sha256, retired_on, instead_of, report_sha256, report, made_by, made_at
) VALUES (
    :gate_id, :sha256, :retired_on, :instead_of, :report_sha256, :report, :made_by, :made_at
);

-- name: latest_template_gate
-- The last report on a version, for a publication or a retirement on a day, that was not used yet.
-- gives   at most one row
-- locks   none
SELECT gate.gate_id, gate.sha256, gate.retired_on, gate.instead_of, gate.report_sha256,
       gate.report, gate.made_by, gate.made_at
FROM contracts.template_gate AS gate
WHERE gate.sha256 = :sha256
  AND gate.retired_on IS NOT DISTINCT FROM :retired_on
  AND NOT EXISTS (
      SELECT FROM contracts.template_publication AS made WHERE made.gate_id = gate.gate_id)
  AND NOT EXISTS (
      SELECT FROM contracts.template_retirement AS ended WHERE ended.gate_id = gate.gate_id)
ORDER BY gate.gate_id DESC
LIMIT 1;

-- name: template_gates_of
-- The reports that somebody asked for approval with, newest first.
-- gives   at most :page rows
-- locks   none
SELECT gate_id, sha256, retired_on, instead_of, report_sha256, report, made_by, made_at
FROM contracts.template_gate
WHERE made_by = :made_by
ORDER BY gate_id DESC
LIMIT :page;

-- name: hold_template_publications
-- Publications, so that two of them do not follow the same version.
-- locks   the table against further publications, until the transaction ends
LOCK TABLE contracts.template_publication IN SHARE ROW EXCLUSIVE MODE;

-- name: add_template_publication
-- A version from which something is made from now on, within its dates.
-- locks   version and report, shared
INSERT INTO contracts.template_publication (
    publication_id, code, version, sha256, gate_id, approval_id, author, approver, published_at
) VALUES (
    :publication_id, :code, :version, :sha256, :gate_id, :approval_id, :author, :approver,
    :published_at
);

-- name: add_template_retirement
-- A version from which nothing new is made from a day on.
-- locks   publication and report, shared
INSERT INTO contracts.template_retirement (
    retirement_id, code, version, retired_on, gate_id, approval_id, author, approver, retired_at
) VALUES (
    :retirement_id, :code, :version, :retired_on, :gate_id, :approval_id, :author, :approver,
    :retired_at
);

-- name: template_state
-- What tells that something was published or retired since.
-- gives   one row
-- locks   none
SELECT (SELECT coalesce(max(publication_id), 0) FROM contracts.template_publication)
           AS publication_id,
       (SELECT coalesce(max(retirement_id), 0) FROM contracts.template_retirement)
           AS retirement_id;

-- name: published_templates
-- Every published version with its document and the day of its retirement, if it has one.
-- gives   one row a version
-- locks   none
SELECT kept.document, ended.retired_on
FROM contracts.template_publication AS made
JOIN contracts.template_version AS kept ON kept.sha256 = made.sha256
LEFT JOIN contracts.template_retirement AS ended
    ON ended.code = made.code AND ended.version = made.version
ORDER BY made.publication_id;

-- name: template_publications
-- Publications with their retirements, newest first.
-- gives   at most :page rows before the number given
-- turns   is read to both sides of its key
-- locks   none
SELECT made.publication_id, made.code, made.version, made.sha256, made.gate_id, made.approval_id,
       made.author, made.approver, made.published_at, ended.retired_on,
       ended.author AS retired_by, ended.approver AS retirement_approver
FROM contracts.template_publication AS made
LEFT JOIN contracts.template_retirement AS ended
    ON ended.code = made.code AND ended.version = made.version
WHERE made.publication_id < /*turns*/ :before
ORDER BY made.publication_id DESC /*turns*/
LIMIT :page;

-- name: template_publication
-- The publication of a version.
-- gives   at most one row
-- locks   none
SELECT made.publication_id, made.code, made.version, made.sha256, made.gate_id, made.approval_id,
       made.author, made.approver, made.published_at, ended.retired_on,
       ended.author AS retired_by, ended.approver AS retirement_approver
FROM contracts.template_publication AS made
LEFT JOIN contracts.template_retirement AS ended
    ON ended.code = made.code AND ended.version = made.version
WHERE made.code = :code AND made.version = :version;

-- name: agreements_by_template
-- Signed agreements that no later signed one has replaced, by product and version of a template.
-- gives   one row a product and version
-- locks   none
SELECT c.product_code, c.template_code, c.template_version, count(*) AS agreements
FROM contracts.contract AS c
WHERE c.state = 'signed' AND c.lender_id = :lender_id AND c.product_code = ANY (:products::text[])
  AND NOT EXISTS (
      SELECT FROM contracts.contract AS later
      WHERE later.customer_id = c.customer_id AND later.replaces = c.contract_id
        AND later.state = 'signed')
GROUP BY c.product_code, c.template_code, c.template_version
ORDER BY c.product_code, c.template_code, c.template_version;

-- name: unpublished_templates
-- Versions that were put forward and not published.
-- gives   one row a version, at most :page
-- locks   none
SELECT DISTINCT kept.code, kept.version
FROM contracts.template_version AS kept
WHERE NOT EXISTS (
    SELECT FROM contracts.template_publication AS made
    WHERE made.code = kept.code AND made.version = kept.version)
ORDER BY kept.code, kept.version
LIMIT :page;
