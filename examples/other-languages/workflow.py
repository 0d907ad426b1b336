"""A complete workflow in Python against a local SWF, with nothing but its URL.

    npx swf-gateway local-swf --in-memory --clock virtual --port 4596
    pip install boto3
    python3 workflow.py http://127.0.0.1:4596

The parent starts a timer, an activity and two children, and waits for a signal. The first child continues as a new run once;
the second one waits until the parent asks it to cancel. At the end all histories are read back.
"""

import json
import sys
import urllib.request

import boto3

endpoint = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:4596"
swf = boto3.client(
    "swf", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="local", aws_secret_access_key="local"
)
DOMAIN, LIST = "python", {"name": "main"}


def decide(kind, **attributes):
    name = kind[0].lower() + kind[1:] + "DecisionAttributes"
    return {"decisionType": kind, name: attributes}


def seen(events, kind):
    member = kind[0].lower() + kind[1:] + "EventAttributes"
    return [event[member] for event in events if event["eventType"] == kind]


def parent(events):
    if not seen(events, "DecisionTaskCompleted"):
        child = {"workflowType": {"name": "Child", "version": "1"}, "taskList": LIST}
        return [
            decide("StartTimer", timerId="tomorrow", startToFireTimeout="86400"),
            decide("ScheduleActivityTask", activityId="add", input="[2, 3]",
                   activityType={"name": "Add", "version": "1"}),
            decide("StartChildWorkflowExecution", workflowId="counter", input="1", **child),
            decide("StartChildWorkflowExecution", workflowId="waiter", input="wait", **child),
            decide("RecordMarker", markerName="begun"),
        ]
    fired, signaled = seen(events, "TimerFired"), seen(events, "WorkflowExecutionSignaled")
    if signaled and not seen(events, "RequestCancelExternalWorkflowExecutionInitiated"):
        return [decide("RequestCancelExternalWorkflowExecution", workflowId="waiter")]
    counted, canceled = seen(events, "ChildWorkflowExecutionCompleted"), seen(events, "ChildWorkflowExecutionCanceled")
    added = seen(events, "ActivityTaskCompleted")
    if fired and added and counted and canceled:
        result = {"sum": json.loads(added[0]["result"]), "counted": counted[0]["result"]}
        return [decide("CompleteWorkflowExecution", result=json.dumps(result))]
    return []


def child(events):
    given = seen(events, "WorkflowExecutionStarted")[0]["input"]
    if given == "1":
        return [decide("ContinueAsNewWorkflowExecution", input="2", taskList=LIST)]
    if given == "2":
        return [decide("CompleteWorkflowExecution", result="twice")]
    return [decide("CancelWorkflowExecution")] if seen(events, "WorkflowExecutionCancelRequested") else []


def main():
    swf.register_domain(name=DOMAIN, workflowExecutionRetentionPeriodInDays="1")
    for name in ("Parent", "Child"):
        swf.register_workflow_type(
            domain=DOMAIN, name=name, version="1", defaultTaskList=LIST, defaultChildPolicy="TERMINATE",
            defaultTaskStartToCloseTimeout="10", defaultExecutionStartToCloseTimeout="604800",
        )
    swf.register_activity_type(
        domain=DOMAIN, name="Add", version="1", defaultTaskList=LIST, defaultTaskHeartbeatTimeout="NONE",
        defaultTaskStartToCloseTimeout="60", defaultTaskScheduleToStartTimeout="60",
        defaultTaskScheduleToCloseTimeout="120",
    )
    run_id = swf.start_workflow_execution(
        domain=DOMAIN, workflowId="parent", workflowType={"name": "Parent", "version": "1"}
    )["runId"]

    def work():
        """Does everything that waits now."""
        while swf.count_pending_decision_tasks(domain=DOMAIN, taskList=LIST)["count"]:
            task = swf.poll_for_decision_task(domain=DOMAIN, taskList=LIST)
            decider = parent if task["workflowType"]["name"] == "Parent" else child
            swf.respond_decision_task_completed(taskToken=task["taskToken"], decisions=decider(task["events"]))
        while swf.count_pending_activity_tasks(domain=DOMAIN, taskList=LIST)["count"]:
            task = swf.poll_for_activity_task(domain=DOMAIN, taskList=LIST)
            swf.record_activity_task_heartbeat(taskToken=task["taskToken"], details="adding")
            swf.respond_activity_task_completed(taskToken=task["taskToken"], result=str(sum(json.loads(task["input"]))))

    work()
    work()
    swf.signal_workflow_execution(domain=DOMAIN, workflowId="parent", signalName="stop the waiter")
    work()
    request = urllib.request.Request(
        f"{endpoint}/_local/clock", b'{"advance": "1d"}', {"content-type": "application/json"}
    )
    print("a day later it is", json.load(urllib.request.urlopen(request))["now"])
    work()

    execution = {"workflowId": "parent", "runId": run_id}
    described = swf.describe_workflow_execution(domain=DOMAIN, execution=execution)["executionInfo"]
    print("parent:", described["closeStatus"])
    closed = swf.list_closed_workflow_executions(domain=DOMAIN, startTimeFilter={"oldestDate": 0})["executionInfos"]
    for info in closed:
        pages = swf.get_paginator("get_workflow_execution_history").paginate(domain=DOMAIN, execution=info["execution"])
        events = [event for page in pages for event in page["events"]]
        print(f"{info['execution']['workflowId']:>8} {info['closeStatus']:<16} {len(events):>3} events,",
              "last:", events[-1]["eventType"])
    result = seen(events := swf.get_workflow_execution_history(domain=DOMAIN, execution=execution)["events"],
                  "WorkflowExecutionCompleted")[0]["result"]
    print("result:", result, "of", len(events), "events")


main()
