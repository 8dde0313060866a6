-- ARGV[1] the job.
sweep()
local record = find(ARGV[1])
return record and cjson.encode(record.job)
