"""The functions that a query may call: those that compute from their arguments alone.

Left out is what reads a file, a setting or the environment, what waits, what writes, what runs SQL from a text, and
what makes a text or a list of any length out of a number. A function that is not here is refused, so a newer engine
brings no new way out.
https://duckdb.org/docs/stable/sql/functions/overview
"""

from __future__ import annotations

from typing import Final

_OPERATORS: Final = """
    !__postfix !~~ !~~* % & && * ** + - ->> -> / // <-> <@ >> << @> ^ ^@ | || ~ ~~ ~~* ~~~ @ like_escape
    ilike_escape not_like_escape not_ilike_escape
"""
_AGGREGATES: Final = """
    any_value approx_count_distinct approx_quantile approx_top_k arbitrary arg_max arg_max_null arg_min arg_min_null
    argmax argmin array_agg avg bit_and bit_or bit_xor bool_and bool_or corr count count_if count_star countif
    covar_pop covar_samp entropy favg first fsum geomean geometric_mean group_concat histogram histogram_exact
    kahan_sum kurtosis kurtosis_pop last list listagg mad max max_by mean median min min_by mode product quantile
    quantile_cont quantile_disc regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope reservoir_quantile
    sem skewness stddev stddev_pop stddev_samp string_agg sum sum_no_overflow sumkahan var_pop var_samp variance
    weighted_avg wavg grouping grouping_id
"""
_WINDOWS: Final = """
    cume_dist dense_rank fill first_value lag last_value lead nth_value ntile percent_rank rank rank_dense
    row_number
"""
_TEXTS: Final = """
    ascii base64 bin bit_length char_length character_length chr concat concat_ws contains damerau_levenshtein
    decode editdist3 encode ends_with formatreadabledecimalsize formatreadablesize format_bytes from_base64 from_hex
    hamming hash hex instr jaccard jaro_similarity jaro_winkler_similarity lcase left left_grapheme length
    length_grapheme levenshtein len lower ltrim md5 mismatches nfc_normalize octet_length ord parse_dirname
    parse_dirpath parse_filename parse_path position prefix regexp_escape regexp_extract regexp_extract_all
    regexp_full_match regexp_matches regexp_replace regexp_split_to_array replace reverse right right_grapheme rtrim
    sha1 sha256 split split_part starts_with str_split str_split_regex string_split string_split_regex
    string_to_array strip_accents strlen strpos substr substring substring_grapheme suffix to_base to_base64
    to_binary to_hex translate trim ucase unbin unhex unicode upper url_decode url_encode
"""
_NUMBERS: Final = """
    abs add bit_count cbrt ceil ceiling divide even exp factorial fdiv floor fmod gcd greatest isfinite isinf isnan
    lcm least ln log log10 log2 mod multiply pow power round sign sqrt subtract trunc xor
"""
_TIMES: Final = """
    age century date_add date_diff date_part date_sub date_trunc datediff datepart datesub datetrunc day dayname
    dayofmonth dayofweek dayofyear decade epoch epoch_ms epoch_ns epoch_us era hour isodow isoyear julian last_day
    make_date make_time make_timestamp make_timestamp_ms make_timestamptz microsecond millisecond minute month
    monthname quarter second strftime strptime time_bucket to_days to_hours to_microseconds to_milliseconds
    to_minutes to_months to_quarters to_seconds to_timestamp to_weeks to_years try_strptime week weekday weekofyear
    year yearweek timezone now today current_date get_current_timestamp current_timestamp get_current_time
    current_localtimestamp current_localtime transaction_timestamp days_in_month
"""
_JSON: Final = """
    array_to_json from_json from_json_strict json json_array json_array_length json_contains json_exists
    json_extract json_extract_path json_extract_path_text json_extract_string json_group_array json_group_object
    json_keys json_merge_patch json_object json_pretty json_quote json_structure json_transform
    json_transform_strict json_type json_valid json_value row_to_json to_json
"""
_NESTED: Final = """
    apply array_aggr array_aggregate array_append array_apply array_cat array_concat array_contains array_distinct
    array_extract array_filter array_has array_has_all array_has_any array_indexof array_intersect array_length
    array_position array_prepend array_reduce array_reverse array_reverse_sort array_select array_slice array_sort
    array_to_string array_transform array_unique array_value array_where array_zip cardinality element_at filter
    flatten grade_up list_aggr list_aggregate list_any_value list_append list_apply list_avg list_bool_and
    list_bool_or list_cat list_concat list_contains list_count list_distinct list_element list_extract list_filter
    list_first list_has list_has_all list_has_any list_histogram list_indexof list_intersect list_last list_max
    list_median list_min list_mode list_pack list_position list_prepend list_product list_reduce list_reverse
    list_reverse_sort list_select list_slice list_sort list_string_agg list_sum list_transform list_unique
    list_value list_where list_zip map map_concat map_contains map_contains_entry map_contains_value map_entries
    map_extract map_extract_value map_from_entries map_keys map_values reduce row struct_concat struct_extract
    struct_extract_at struct_insert struct_keys struct_pack struct_values unnest unpivot_list
"""
_OTHERS: Final = """
    coalesce constant_or_null error ifnull nullif if typeof pg_typeof alias
"""
ALLOWED: Final = frozenset(
    name
    for family in (_OPERATORS, _AGGREGATES, _WINDOWS, _TEXTS, _NUMBERS, _TIMES, _JSON, _NESTED, _OTHERS)
    for name in family.split()
)
# Of all functions that stand in place of a table only this one: it lists what its argument holds.
ALLOWED_TABLES: Final = frozenset({"unnest"})


def as_markdown() -> str:
    """The list of ``docs/logs.md``."""
    families = {
        "Operators": _OPERATORS,
        "Aggregates": _AGGREGATES,
        "Windows": _WINDOWS,
        "Texts": _TEXTS,
        "Numbers": _NUMBERS,
        "Times": _TIMES,
        "JSON": _JSON,
        "Lists, maps and structures": _NESTED,
        "Others": _OTHERS,
    }
    return "".join(
        f"- {title}: {', '.join(f'`{name}`' for name in names.split())}\n" for title, names in families.items()
    )
